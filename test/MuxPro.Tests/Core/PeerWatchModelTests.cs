using CsCheck;
using MuxPro.Core;
using static MuxPro.Tests.Core.PeerWatchTests;

namespace MuxPro.Tests.Core;

/// <summary>Whether the other end is alive: any order of events against a plain model.</summary>
public sealed class PeerWatchModelTests
{
    private enum Event
    {
        Nothing,
        Receive,
        Send,
        Take,
        Sent,
        Pong,
        Sleep,
    }

    [Fact]
    public void AnyEvents_AgreeWithAPlainModel() => Gen.Select(
            Gen.Bool, Gen.Select(Gen.Enum<Event>(), Gen.Long[1, Second]).Array[1, 400])
        .Sample(
            (isPrivate, events) =>
            {
                var model = new Model(isPrivate);
                foreach ((Event what, long passed) in events)
                {
                    if (!model.Do(what, passed))
                    {
                        return;
                    }
                }

                // Whatever went before: an other end of which nothing is heard any more and that takes nothing is given up.
                Assert.True(!model.IsWaiting || model.IsGivenUpWithin(60 * Second), "An other end that is dead was not given up.");
            },
            iter: 3000);

    /// <summary>When each thing happened last, and what has to follow from it.</summary>
    private sealed class Model(bool isPrivate)
    {
        private readonly PeerWatch _watch = Known();
        private long _now = Start;
        private long _lastTick = Start;
        private long _heard;
        private long _lastSent = Start;
        private long _lastPing;
        private long? _ping;
        private long? _send;
        private long _taken;
        private long _takenSeen;
        private long _moved;
        private ulong _token;

        /// <summary>
        /// Whether the other end owes something: that it takes what is sent, or an answer to what this end asks when it is quiet.
        /// </summary>
        public bool IsWaiting => isPrivate || _send is not null;

        /// <summary>Lets time pass, then something happen, and a tick.</summary>
        /// <returns>Whether the main connection goes on.</returns>
        public bool Do(Event what, long passed)
        {
            _now += what == Event.Sleep ? 60 * Second : passed;
            switch (what)
            {
                case Event.Receive:
                    _watch.OnReceived(_heard = _now);
                    break;
                case Event.Send when _send is null:
                    StartSend();
                    break;
                case Event.Take when _send is not null:
                    _taken++;
                    break;
                case Event.Sent when _send is not null:
                    _watch.OnSent();
                    _send = null;
                    break;
                case Event.Pong when _ping is not null:
                    _watch.OnReceived(_heard = _now);
                    _watch.OnPong(_now, _token);
                    _ping = null;
                    break;
            }

            return DoTick();
        }

        public bool IsGivenUpWithin(long time)
        {
            for (long end = _now + time; _now < end;)
            {
                if (!Do(Event.Nothing, Tick))
                {
                    return true;
                }
            }

            return false;
        }

        private static PeerWatch Known()
        {
            PeerWatch watch = Watch();
            watch.OnNegotiated(1);
            return watch;
        }

        private void StartSend()
        {
            _send = _lastSent = _now;
            _watch.OnSending(_now);
        }

        private bool DoTick()
        {
            // A clock that slept starts to listen now.
            _heard = _now - _lastTick > 3 * Tick ? _now : _heard;
            _lastTick = _now;
            if (_send is not null && _taken != _takenSeen)
            {
                (_takenSeen, _moved) = (_taken, _now);
            }

            bool isStuck = _now - Math.Max(_send ?? _now, _moved) >= 30 * Second;
            bool isOverdue = _ping is { } sent && _now - Math.Max(sent, _heard) >= 10 * Second;
            bool isQuiet = _now - Math.Max(_heard, _lastPing) >= 3 * Second;
            bool isIdle = _now - _lastSent >= 30 * Second;
            PeerAction expected = isStuck || isOverdue ? PeerAction.Fail
                : isPrivate && _ping is null && (isQuiet || isIdle) ? PeerAction.Ping
                : !isPrivate && isIdle ? PeerAction.KeepAlive
                : PeerAction.Nothing;
            LifeSign takes = isPrivate ? LifeSign.Ping : LifeSign.KeepAlive;
            PeerAction action = _watch.Decide(_now, Idle with { Takes = takes, BytesTaken = _taken }).Action;
            Assert.Equal(expected, action);

            // What is decided goes out with the next batch: at once, unless a send is under way.
            if (action is PeerAction.Ping or PeerAction.KeepAlive && _send is null)
            {
                StartSend();
                if (action == PeerAction.Ping)
                {
                    Assert.Null(_ping);
                    _ping = _lastPing = _now;
                    _token = _watch.OnPing(_now);
                }

                _watch.OnSent();
                _send = null;
            }

            return action != PeerAction.Fail;
        }
    }
}

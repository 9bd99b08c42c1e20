using CsCheck;
using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Tests.Core;

/// <summary>Two states that talk to each other over two wires.</summary>
public sealed class SessionConversationTests
{
    /// <summary>
    /// Two ends over two wires do anything in any order: what goes over the wires keeps the rules, and in the end both are over.
    /// </summary>
    [Fact]
    public void TwoEnds_KeepTheRules_AndComeToAnEnd()
        => Gen.Select(Gen.Enum<Dialect>(), Gen.Select(Gen.Bool, Gen.Enum<Step>()).Array[0, 60])
            .Sample((dialect, steps) =>
            {
                var pair = new Conversation(dialect);
                foreach ((bool isClient, Step step) in steps)
                {
                    pair.Do(isClient ? pair.Client : pair.Server, step);
                }

                pair.Finish();
            });

    public enum Step
    {
        Write,
        Complete,
        Abort,
        Confirm,
        Consume,
        Cut,
        Deliver,
    }

    private enum Kind
    {
        New,
        Opened,
        Grant,
        Data,
        End,
    }

    private readonly record struct Sent(Kind Kind, ErrorCode Code = ErrorCode.GracefulShutdown);

    /// <summary>One end: what an engine does with a state, on a wire that is a queue.</summary>
    private sealed class End
    {
        public SessionState State;
        public bool IsHere;
        public bool HasUnsent;
        public bool HasGrant;
        public readonly Queue<Sent> Wire = new();
        private readonly List<Sent> _history = [];
        private readonly bool _isClient;
        private readonly Dialect _dialect;
        private bool _endWasReceived;

        public End(bool isClient, Dialect dialect)
        {
            State = new SessionState(isClient, dialect);
            IsHere = _isClient = isClient;
            _dialect = dialect;
        }

        public void Cut()
        {
            SessionDue due = State.Due(!State.IsComplete || HasUnsent, isAnswerRead: true);
            if ((due & SessionDue.New) != 0)
            {
                State.OnNewSent();
                Put(new Sent(Kind.New));
                HasUnsent = false;
            }

            if ((due & SessionDue.Opened) != 0 && State.TakeOpened())
            {
                Put(new Sent(Kind.Opened));
            }

            if ((due & SessionDue.Grant) != 0 && HasGrant)
            {
                HasGrant = false;
                Put(new Sent(Kind.Grant));
            }

            if (State.MaySend && HasUnsent)
            {
                if (State.TakeOpened())
                {
                    Put(new Sent(Kind.Opened));
                }

                HasUnsent = false;
                Put(new Sent(Kind.Data));
            }

            if ((due & SessionDue.End) != 0 || (State.MaySend && !HasUnsent && State.MayEnd(isAnswerRead: true)))
            {
                PutEnd();
            }
        }

        public void PutEnd()
        {
            if (State is { IsAborted: false, EndSent: false } && State.TakeOpened())
            {
                Put(new Sent(Kind.Opened));
            }

            Put(new Sent(Kind.End, State.TakeEnd()));
        }

        public void Receive(Sent frame)
        {
            switch (frame.Kind)
            {
                case Kind.New:
                    IsHere = true;
                    break;
                case Kind.Opened or Kind.Data:
                    State.OnKeep(isSign: true);
                    break;
                case Kind.End when State.IsNews(frame.Code):
                    State.OnEnd(frame.Code);
                    _endWasReceived = true;
                    break;
            }
        }

        private void Put(Sent frame)
        {
            bool isAfterEnd = _history.Any(static sent => sent.Kind == Kind.End);
            switch (frame.Kind)
            {
                case Kind.New:
                    Assert.True(_isClient && _history.Count == 0, "A New is a client's first frame, and sent once.");
                    break;
                case Kind.Opened:
                    Assert.True(!_isClient && _dialect.HasOpenResult, "OPENED is the private version's server's.");
                    Assert.True(_history.TrueForAll(static sent => sent.Kind == Kind.Grant), "OPENED comes first.");
                    break;
                case Kind.Data:
                    Assert.False(isAfterEnd, "Nothing is said after the End.");
                    break;
                case Kind.Grant:
                    Assert.False((isAfterEnd || _endWasReceived) && !_dialect.GrantsAfterEnd, "SPEC 6.3.6: no grant after either End.");
                    Assert.DoesNotContain(_history, static sent => sent.Kind == Kind.End && sent.Code != ErrorCode.GracefulShutdown);
                    break;
                default:
                    Assert.False(isAfterEnd && frame.Code == ErrorCode.GracefulShutdown, "An End 0000 is said once.");
                    Assert.DoesNotContain(_history, static sent => sent.Kind == Kind.End && sent.Code != ErrorCode.GracefulShutdown);
                    break;
            }

            Assert.True(!_isClient || frame.Kind == Kind.New || _history.Count > 0, "Nothing is said ahead of the New.");
            _history.Add(frame);
            Wire.Enqueue(frame);
        }
    }

    private sealed class Conversation(Dialect dialect)
    {
        public End Client { get; } = new(isClient: true, dialect);

        public End Server { get; } = new(isClient: false, dialect);

        public void Do(End end, Step step)
        {
            if (!end.IsHere || (end.State.IsOver && step != Step.Deliver))
            {
                return;
            }

            switch (step)
            {
                case Step.Write:
                    end.HasUnsent |= end.State is { IsComplete: false, IsAborted: false };
                    break;
                case Step.Complete:
                    end.State.Complete(end.HasUnsent);
                    break;
                case Step.Abort:
                    end.State.Abort(ErrorCode.RemoteDisconnect);
                    end.HasUnsent = false;
                    break;
                case Step.Confirm:
                    end.State.Confirm();
                    break;
                case Step.Consume:
                    end.HasGrant = true;
                    break;
                case Step.Cut:
                    end.Cut();
                    break;
                default:
                    Deliver(end);
                    break;
            }
        }

        /// <summary>Both applications are done: whatever was under way comes to its end.</summary>
        public void Finish()
        {
            for (int i = 0; i < 8; i++)
            {
                foreach (End end in (End[])[Client, Server])
                {
                    Do(end, Step.Complete);
                    Do(end, Step.Cut);
                    if (dialect == Dialect.MuxCool && end.IsHere && i > 4 && end.State is { MaySend: true, IsComplete: true })
                    {
                        end.State.GiveUpAnswer();
                    }
                }

                while (Client.Wire.Count + Server.Wire.Count > 0)
                {
                    Deliver(Client);
                    Deliver(Server);
                }
            }

            Assert.True(Client.State.IsOver);
            Assert.True(!Server.IsHere || Server.State.IsOver);
        }

        private void Deliver(End from)
        {
            End to = from == Client ? Server : Client;
            if (from.Wire.TryDequeue(out Sent frame) && !(to.IsHere && to.State.IsOver))
            {
                to.Receive(frame);
            }
        }
    }
}

using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;

namespace MuxPro.Engine;

/// <content>The first frame of each end (SPEC 5 and 6.3.1).</content>
internal sealed partial class MainConnection
{
    private void WriteNegotiation()
    {
        if (_isClient)
        {
            Span<ProtocolVersion> versions = new ProtocolVersion[Options.Versions.Count];
            for (int i = 0; i < versions.Length; i++)
            {
                versions[i] = Options.Versions[i];
            }

            FrameWriter.WriteNegotiateVersion(_batch, versions);
            _negotiationSent = Now;
        }
        else
        {
            FrameWriter.WriteNegotiateVersion(_batch, [_version!.Value], _negotiationForm);
        }
    }

    private bool OnNegotiateVersion(in Frame frame, long now)
    {
        if (_version is not null)
        {
            // SPEC 5: a second NegotiateVersion closes the main connection.
            return Violation("A second NegotiateVersion (SPEC 5).");
        }

        ProtocolVersion? version = _isClient
            ? VersionNegotiation.CheckAnswer(frame, Options.Versions)
            : VersionNegotiation.Choose(frame, Options.Versions);
        if (version is null)
        {
            string what = _isClient ? "The server's answer is not one version that was offered" : "The client offers no version that is spoken here";
            Fail(MainConnectionEnd.NegotiationFailed, $"{what} (SPEC 5).");
            return false;
        }

        lock (_gate)
        {
            _version = version;
            _isPrivate = _limitsDue = version == ProtocolVersion.Private;
            _reader.Version = version.Value;

            // SPEC 5: a server sends nothing after its answer until the first client frame is in, unless the private version was chosen.
            _maySend = _isClient || _isPrivate;
            if (_isClient)
            {
                Volatile.Write(ref _roundTripTicks, now - _negotiationSent);
            }
            else
            {
                // SPEC 6.3.1: a server answers in the form that it was asked in.
                _negotiationForm = frame.Form;
                _negotiationDue = true;
            }
        }

        Measure(_transport.Look());

        _log.MainConnectionStarted(RemoteEndPoint, version.Value);
        _negotiated.TrySetResult(version.Value);
        _sendSignal.Set();
        return true;
    }
}

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MuxPro.Fuzz;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Protocol;

/// <summary>The frames that a prototype sent, against the lines that name them.</summary>
public sealed partial class RecordedConnectionTests
{
    public static TheoryData<string> Names => [.. RecordedConnection.Names];

    [Fact]
    public void Vectors_AreAllThere() => Assert.Equal(11, RecordedConnection.Names.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryChunk_ReadsAsItsComments(string name)
    {
        var connection = RecordedConnection.Load(name);
        var readers = new Dictionary<bool, List<Memory<byte>>> { [true] = [], [false] = [] };
        var seen = new Dictionary<bool, int> { [true] = 0, [false] = 0 };
        bool hasGlobalId = false;
        foreach (RecordedChunk chunk in connection.Chunks)
        {
            List<Memory<byte>> sent = readers[chunk.FromClient];
            sent.Add(chunk.Bytes);
            FrameTranscript transcript = FrameTranscript.Read(sent, wholeFrames: true);
            Assert.Equal(FrameReadStatus.NeedMoreData, transcript.Status);

            Match[] named = [.. chunk.Comments.Select(line => FrameLine().Match(line)).Where(match => match.Success)];
            FrameSnapshot[] frames = [.. transcript.Frames.Skip(seen[chunk.FromClient])];
            seen[chunk.FromClient] += frames.Length;
            Assert.Equal(named.Length, frames.Length);
            foreach ((Match line, FrameSnapshot frame) in named.Zip(frames))
            {
                hasGlobalId |= frame.GlobalId != 0;
                Assert.Equal(chunk.FromClient, line.Groups["from"].Value == "client");
                AssertIs(line, frame, hasGlobalId);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryDirection_ReadsTheSameHoweverItArrives(string name)
    {
        var connection = RecordedConnection.Load(name);
        foreach (bool byClient in (bool[])[true, false])
        {
            FramesTarget.Run(connection.Sent(byClient));
        }
    }

    private static void AssertIs(Match line, FrameSnapshot frame, bool hasGlobalId)
    {
        Assert.Equal(line.Groups["name"].Value, frame.Type.ToString());
        Assert.Equal(Hex(line, "state"), (int)frame.Type);
        Assert.Equal(int.Parse(line.Groups["id"].Value, CultureInfo.InvariantCulture), frame.Id);
        Assert.Equal(Hex(line, "opt"), (int)frame.Options);
        Assert.Equal(default, frame.Fault);

        byte[] data = Convert.FromHexString(frame.Data);
        string rest = line.Groups["rest"].Value;
        switch (frame.Type)
        {
            case FrameType.NegotiateVersion:
                string version = Regex.Match(rest, @"N=1 versions=\['(\w{8})'\]").Groups[1].Value;
                Assert.Equal($"CountInData: {ProtocolVersion.FromValue(Convert.ToUInt32(version, 16))}", frame.Versions);
                return;

            case FrameType.New:
                Match to = Regex.Match(
                    rest, @"net=(\w+) priority=(\d+) port=(\d+) (?:IPv4|IPv6|domain) (\S+)(?: trailing\(GlobalID\)=(\w{16}))?");
                Assert.Equal(Destination.Parse($"{to.Groups[1]}:{Bracketed(to.Groups[4].Value)}:{to.Groups[3]}"), frame.Destination);
                Assert.Equal(to.Groups[2].Value, frame.Priority.ToString(CultureInfo.InvariantCulture));
                Assert.Equal(to.Groups[5].Value, frame.GlobalId == 0 ? "" : frame.GlobalId.ToString("x16", CultureInfo.InvariantCulture));
                break;

            case FrameType.End:
                Match code = Regex.Match(rest, @"ErrorCode=(\w{4})");
                Assert.Equal(code.Success ? Convert.ToInt32(code.Groups[1].Value, 16) : 0, (int)frame.ErrorCode);
                return;
        }

        Match extra = Regex.Match(rest, "Extra Data len=(\\d+)(?: \"(.*)\")?");
        Assert.Equal(extra.Success, (frame.Options & FrameOptions.Data) != 0);
        if (!extra.Success)
        {
            return;
        }

        Assert.Equal(int.Parse(extra.Groups[1].Value, CultureInfo.InvariantCulture), data.Length);
        if (extra.Groups[2].Success)
        {
            // The comments show bytes that cannot be printed as dots.
            Assert.Equal(extra.Groups[2].Value, Regex.Replace(Encoding.ASCII.GetString(data), "[^ -~]", "."));
        }

        Match prefix = Regex.Match(rest, @"UDP prefix as written: net=02 port=(\d+) IPv4 (\S+) then (\d+) bytes");
        Assert.Equal(prefix.Success, (frame.Options & FrameOptions.UdpAddress) != 0);
        if (prefix.Success)
        {
            Assert.True(DatagramAddress.TryRead(data, hasGlobalId, out DatagramAddress address, out _));
            Assert.Equal(Destination.Parse($"udp:{prefix.Groups[2]}:{prefix.Groups[1]}"), address.Destination);
            Assert.Equal(
                int.Parse(prefix.Groups[3].Value, CultureInfo.InvariantCulture), data.Length - address.Length + (hasGlobalId ? 8 : 0));
            Assert.Contains("dgram-", Encoding.ASCII.GetString(data.AsSpan(address.Length)), StringComparison.Ordinal);
        }
    }

    private static int Hex(Match line, string group) => Convert.ToInt32(line.Groups[group].Value, 16);

    private static string Bracketed(string host) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;

    [GeneratedRegex(
        @"(?<from>client|server) -> \w+ \[\d+\] L=\d+ id=(?<id>\d+) state=(?<state>\w\w) (?<name>\w+) opt=(?<opt>\w\w)(?<rest>.*)")]
    private static partial Regex FrameLine();
}

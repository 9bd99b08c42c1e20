namespace MuxPro.Core;

/// <summary>What the kernel knows of a TCP connection.</summary>
/// <param name="RoundTripTime">Smoothed; zero where it is not known.</param>
/// <param name="LeastRoundTripTime">The least that was seen lately; zero where it is not known.</param>
/// <param name="Probes">Probes of a closed window that the other host has not answered.</param>
/// <param name="Retransmissions">All segments that were sent again.</param>
/// <param name="SinceAcknowledgement">How long ago the other host last acknowledged anything.</param>
/// <param name="BytesAcknowledged">All that it has acknowledged.</param>
internal readonly record struct TcpFigures(
    TimeSpan RoundTripTime,
    TimeSpan LeastRoundTripTime,
    int Probes,
    long Retransmissions,
    TimeSpan SinceAcknowledgement,
    long BytesAcknowledged);

using System.Net;

namespace MuxPro.Proxy.Dispatch;

/// <summary>Who asks for destinations.</summary>
/// <param name="InboundTag">The inbound that it came in at.</param>
/// <param name="User">Its name, where that was asked.</param>
/// <param name="EndPoint">Its address.</param>
internal readonly record struct SessionSource(string InboundTag, string? User, EndPoint? EndPoint);

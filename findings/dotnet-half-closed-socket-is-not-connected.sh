#!/usr/bin/env bash
# One would have sworn: a socket whose sending direction was ended by Shutdown(SocketShutdown.Send) is still connected: that call exists
#   so that one can go on reading, and the kernel agrees (getpeername() answers, the connection is in FIN_WAIT2).
# What happens: Socket.Connected and TcpClient.Connected turn false with Shutdown(Send), whatever the other end does, and with them
#   TcpClient.GetStream() and `new NetworkStream(socket)` throw "The operation is not allowed on non-connected sockets". Receive() goes on
#   as if nothing were, and so does a NetworkStream that was made before. So a watch over Connected takes every half-closed connection for
#   lost.
# Version: .NET 10.0.12.
# Source: dotnet/runtime, System.Net.Sockets, Socket.cs: Shutdown() calls SetToDisconnected() for all three values of `how`; the
#   documentation of Socket.Connected: "the connection state of the Socket as of the last I/O operation".
# Seen: below.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cat > Program.cs <<'EOF'
using System.Net;
using System.Net.Sockets;

using var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
using var client = new TcpClient();
client.Connect((IPEndPoint)listener.LocalEndpoint);
using Socket server = listener.AcceptSocket();
NetworkStream before = client.GetStream();

Console.WriteLine($"connected before={client.Connected}");
client.Client.Shutdown(SocketShutdown.Send);
Console.WriteLine($"connected={client.Client.Connected}, {client.Connected}");
try
{
    client.GetStream();
    Console.WriteLine("stream=there");
}
catch (InvalidOperationException exception)
{
    Console.WriteLine($"stream={exception.Message}");
}

server.Send("answer"u8);
byte[] bytes = new byte[6];
Console.WriteLine($"received={client.Client.Receive(bytes, 3, SocketFlags.None)} and {before.Read(bytes, 3, 3)}");
EOF
program
timeout -s KILL 30 dotnet out/program.dll >seen
seen_of() { sed -n "s/^$1=//p" seen; }
expect "Connected before Shutdown(Send)" "True" "$(seen_of 'connected before')"
expect "Connected after Shutdown(Send)" "False, False" "$(seen_of connected)"
expect "GetStream() after it" "The operation is not allowed on non-connected sockets." "$(seen_of stream)"
expect "bytes received after it, by socket and by stream" "3 and 3" "$(seen_of received)"

using Microsoft.AspNetCore.Connections;

namespace MuxPro.AspNetCore.Transport;

/// <summary>Which listener takes a sub-connection. Lookups take no lock: the list is replaced as a whole.</summary>
internal sealed class SubConnectionRouter
{
    private readonly Lock _gate = new();
    private volatile SubConnectionListener[] _listeners = []; // the narrowest first

    /// <exception cref="AddressInUseException">Another listener has the same address.</exception>
    public void Add(SubConnectionListener listener)
    {
        lock (_gate)
        {
            if (_listeners.Any(other => other.EndPoint.Equals(listener.EndPoint)))
            {
                throw new AddressInUseException($"Sub-connections to {listener.EndPoint} are listened for already.");
            }

            _listeners = [.. _listeners.Append(listener).OrderByDescending(static each => each.EndPoint.Precedence)];
        }
    }

    public void Remove(SubConnectionListener listener)
    {
        lock (_gate)
        {
            _listeners = [.. _listeners.Where(each => each != listener)];
        }
    }

    public SubConnectionListener? Find(Destination destination)
        => Array.Find(_listeners, listener => listener.EndPoint.Matches(destination));
}

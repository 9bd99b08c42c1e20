namespace MuxPro.Core;

/// <summary>The frames that are due on a sub-connection; <c>FrameCutter.CutControl</c> decides on their order.</summary>
[Flags]
internal enum SessionDue : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>SPEC 6.3.2: the client opens the sub-connection.</summary>
    New = 1,

    /// <summary>SPEC 8: the server has reached the target.</summary>
    Opened = 2,

    /// <summary>SPEC 6.3.6: what the application consumed becomes credit, if there is a grant.</summary>
    Grant = 4,

    /// <summary>SPEC 6.3.3: payload, as far as there is credit.</summary>
    Data = 8,

    /// <summary>SPEC 6.3.4: this end sends nothing more; with the code of <see cref="SessionState.EndingCode"/>.</summary>
    End = 16,

    /// <summary>Those that do not wait behind data.</summary>
    Control = New | Opened | Grant | End,
}

namespace MuxPro.Buffers;

/// <summary>Whoever lends memory to a <see cref="SendBatch"/>.</summary>
internal interface ILender
{
    /// <summary>What was borrowed is copied. Called without a lock.</summary>
    void GiveBack();
}

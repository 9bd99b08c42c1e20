using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Tests.Core;

public sealed class SessionStateTests
{
    private const bool HasUnsent = true;
    private const bool IsAnswerRead = true;

    [Fact]
    public void Client_StartsWithNew()
    {
        var state = new SessionState(isClient: true, Dialect.V0_0);
        Assert.Equal(SessionDue.New, state.Due(HasUnsent, !IsAnswerRead));
        Assert.False(state.MaySend);
        state.OnNewSent();
        Assert.True(state.MaySend);
        Assert.Equal(SessionDue.Grant, state.Due(HasUnsent, !IsAnswerRead));
    }

    [Theory]
    [InlineData((int)Dialect.V0_1, false)]
    [InlineData((int)Dialect.Private, true)]
    public void Server_OwesTheOpenResult_InThePrivateVersionAlone(int dialect, bool isOwed)
    {
        var state = new SessionState(isClient: false, (Dialect)dialect);
        Assert.Equal(isOwed, state.IsOpenedDue);
        Assert.Equal(isOwed ? SessionDue.Opened : SessionDue.None, state.Confirm());
        Assert.Equal(SessionDue.None, state.Confirm());
        Assert.Equal(isOwed, state.TakeOpened());
        Assert.False(state.TakeOpened());
    }

    [Fact]
    public void Complete_WithoutData_EndsAtOnce_AndBehindDataWithIt()
    {
        SessionState state = Open();
        Assert.Equal(SessionDue.Data, state.Complete(HasUnsent));
        Assert.Equal(SessionDue.None, state.Due(HasUnsent, !IsAnswerRead) & SessionDue.End);
        Assert.Equal(SessionDue.End, state.Due(!HasUnsent, !IsAnswerRead) & SessionDue.End);
        Assert.Equal(SessionDue.None, state.Complete(!HasUnsent));

        state = Open();
        Assert.Equal(SessionDue.End, state.Complete(!HasUnsent));
        Assert.Equal(ErrorCode.GracefulShutdown, state.TakeEnd());
        Assert.True(state.IsLingering);
        Assert.False(state.MaySend);
    }

    [Fact]
    public void Abort_OfWhatTheOtherEndNeverHeardOf_IsOverAtOnce()
    {
        var state = new SessionState(isClient: true, Dialect.Private);
        Assert.Equal(SessionDue.None, state.Abort(ErrorCode.RemoteDisconnect));
        Assert.True(state.IsOver);
        Assert.Equal(SessionDue.None, state.Due(HasUnsent, !IsAnswerRead));
    }

    [Fact]
    public void Abort_SaysItsCode_AndWaitsForTheAnswer()
    {
        SessionState state = Open();
        Assert.Equal(SessionDue.End, state.Abort(ErrorCode.ProxyRejected, FailureDetail.HostUnreachable));
        Assert.Equal(SessionDue.None, state.Abort(ErrorCode.RemoteDisconnect));
        Assert.False(state.IsLive);
        Assert.Equal((ErrorCode.ProxyRejected, FailureDetail.HostUnreachable), (state.TakeEnd(), state.Detail));
        Assert.False(state.IsOver);
        Assert.Equal(SessionDue.None, state.OnEnd(ErrorCode.GracefulShutdown));
        Assert.True(state.IsOver);
    }

    [Fact]
    public void EndWithACode_IsAnsweredWithoutOne()
    {
        SessionState state = Open();
        Assert.True(state.IsNews(ErrorCode.RemoteDisconnect));
        Assert.Equal(SessionDue.End, state.OnEnd(ErrorCode.RemoteDisconnect));
        Assert.Equal(ErrorCode.GracefulShutdown, state.TakeEnd());
        Assert.True(state.IsOver);
    }

    [Fact]
    public void EndWithACode_BehindAnOrderlyEnd_TakesItBack()
    {
        SessionState state = Open();
        Assert.Equal(SessionDue.None, state.OnEnd(ErrorCode.GracefulShutdown));
        Assert.True(state.IsLive);
        Assert.False(state.IsNews(ErrorCode.GracefulShutdown));
        Assert.True(state.IsNews(ErrorCode.RemoteDisconnect));
        Assert.Equal(SessionDue.End, state.OnEnd(ErrorCode.RemoteDisconnect));
        Assert.False(state.IsLive);
    }

    [Theory]
    [InlineData((int)Dialect.V0_0, false)]
    [InlineData((int)Dialect.V0_1, false)]
    [InlineData((int)Dialect.Private, true)]
    public void Grant_AfterTheOwnEnd_IsForThePrivateVersion(int dialect, bool isAllowed)
    {
        SessionState state = Open((Dialect)dialect);
        state.Complete(!HasUnsent);
        state.TakeEnd();
        Assert.Equal(isAllowed, state.MayGrant);
        Assert.Equal(isAllowed ? SessionDue.Grant : SessionDue.None, state.Due(!HasUnsent, !IsAnswerRead));
        state.OnEnd(ErrorCode.GracefulShutdown);
        Assert.False(state.MayGrant);
    }

    [Fact]
    public void Complaint_AfterAnAbort_IsSaidUntilTheOtherEndHasEnded()
    {
        SessionState state = Open();
        state.Abort(ErrorCode.RemoteDisconnect);
        state.TakeEnd();
        Assert.Equal(SessionDue.End, state.Complain(ErrorCode.ProtocolError));
        Assert.Equal(ErrorCode.ProtocolError, state.TakeEnd());
        state.OnEnd(ErrorCode.GracefulShutdown);
        Assert.Equal(SessionDue.None, state.Complain(ErrorCode.ProtocolError));
    }

    [Fact]
    public void MuxCool_ClientsEnd_WaitsForTheAnswer_UntilItIsGivenUp()
    {
        SessionState state = Open(Dialect.MuxCool);
        state.Complete(!HasUnsent);
        Assert.False(state.MayEnd(IsAnswerRead));
        Assert.True(state.MayEnd(!IsAnswerRead));
        Assert.Equal(SessionDue.End, state.GiveUpAnswer());
        Assert.True(state.MayEnd(IsAnswerRead));
        state.TakeEnd();
        Assert.True(state.IsOver);
    }

    [Fact]
    public void MuxCool_EndThatComes_EndsBothDirections()
    {
        SessionState state = Open(Dialect.MuxCool);
        Assert.Equal(SessionDue.None, state.OnEnd(ErrorCode.GracefulShutdown));
        Assert.True(state.IsOver);
        Assert.False(state.IsAborted);
    }

    [Fact]
    public void Sign_OfTheOtherEnd_CountsOnce()
    {
        SessionState state = Open();
        Assert.False(state.OnKeep(isSign: false));
        Assert.True(state.OnKeep(isSign: true));
        Assert.False(state.OnKeep(isSign: true));
    }

    private static SessionState Open(Dialect dialect = Dialect.Private)
    {
        var state = new SessionState(isClient: true, dialect);
        state.OnNewSent();
        return state;
    }
}

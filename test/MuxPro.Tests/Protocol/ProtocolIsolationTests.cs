using System.Reflection;
using System.Runtime.CompilerServices;
using MuxPro.Protocol;

namespace MuxPro.Tests.Protocol;

/// <summary>
/// No signature and no field of the protocol layer names a task, a stream, a socket, a pipe or a clock, and no method is asynchronous.
/// What the methods call is checked by the build: eng/ProtocolIsolation.
/// </summary>
public sealed class ProtocolIsolationTests
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static TheoryData<string> Types =>
    [
        .. typeof(FrameReader).Assembly.GetTypes().Select(type => type.FullName!)
            .Where(name => name.StartsWith("MuxPro.Protocol.", StringComparison.Ordinal)),
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void Type_NamesNothingThatDoesIo(string name)
    {
        Type type = typeof(FrameReader).Assembly.GetType(name, throwOnError: true)!;
        MethodBase[] methods = [.. type.GetMethods(All), .. type.GetConstructors(All)];
        IEnumerable<Type> named =
        [
            .. type.GetInterfaces(),
            .. type.GetFields(All).Select(field => field.FieldType),
            .. methods.SelectMany(method => method.GetParameters()).Select(parameter => parameter.ParameterType),
            .. methods.OfType<MethodInfo>().Select(method => method.ReturnType),
            .. methods.Where(method => method.GetMethodBody() is not null)
                .SelectMany(method => method.GetMethodBody()!.LocalVariables).Select(local => local.LocalType),
        ];
        Assert.Empty(named.SelectMany(WithArguments).Where(DoesIo).Distinct());
        Assert.DoesNotContain(methods, method => method.IsDefined(typeof(StateMachineAttribute)));
    }

    [Theory]
    [InlineData(typeof(Task<int>))]
    [InlineData(typeof(ValueTask))]
    [InlineData(typeof(Stream))]
    [InlineData(typeof(System.Net.Sockets.Socket))]
    [InlineData(typeof(System.IO.Pipelines.PipeReader))]
    [InlineData(typeof(TimeProvider))]
    [InlineData(typeof(List<Task[]>))]
    public void TypesThatDoIo_AreFound(Type type) => Assert.Contains(WithArguments(type), DoesIo);

    private static bool DoesIo(Type type)
        => type.Namespace is "System.IO" or "System.IO.Pipelines" or "System.Timers" or "System.Net.Security" or "System.Net.Quic"
            || type.Namespace!.StartsWith("System.Threading", StringComparison.Ordinal)
            || (type.Namespace is "System.Net.Sockets" && !type.IsEnum)
            || type == typeof(TimeProvider) || type == typeof(DateTime) || type == typeof(DateTimeOffset)
            || type == typeof(System.Diagnostics.Stopwatch);

    private static IEnumerable<Type> WithArguments(Type type)
    {
        while (type.HasElementType)
        {
            type = type.GetElementType()!;
        }

        return type.GetGenericArguments().SelectMany(WithArguments).Append(type);
    }
}

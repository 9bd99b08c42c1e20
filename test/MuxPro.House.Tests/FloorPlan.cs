using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace MuxPro.House.Tests;

/// <summary>The rooms of a project from the ground up: a file may use what its own room and the rooms below declare.</summary>
/// <param name="Rooms">
/// Names of folders, and of files that lie beside them, from the lowest to the highest; several in one string share a floor and may know
/// each other.
/// </param>
internal sealed record FloorPlan(params string[] Rooms)
{
    // The framework's assemblies and every package that the projects refer to: those of this program.
    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Every use of a type, or of a member of a type, that is declared on a higher floor.</summary>
    public UpwardUse[] FindUpwardUses(IEnumerable<SourceFile> files)
    {
        Dictionary<string, int> floors = [];
        for (int floor = 0; floor < Rooms.Length; floor++)
        {
            foreach (string room in Rooms[floor].Split(' '))
            {
                floors.Add(room, floor);
            }
        }

        SourceFile[] sources = [.. files];
        if (sources.FirstOrDefault(file => !floors.ContainsKey(file.Room)) is { } stray)
        {
            throw new ArgumentException($"{stray.Path} lies on no floor: add {stray.Room} to the plan.", nameof(files));
        }

        CSharpCompilation compilation = Compile(sources);
        HashSet<UpwardUse> uses = [];
        foreach (SyntaxTree tree in compilation.SyntaxTrees.Where(tree => tree.FilePath.Length > 0))
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            string room = RoomOf(tree);
            foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                if (TypeOf(model.GetSymbolInfo(name)) is not { } type)
                {
                    continue;
                }

                // A partial type that reaches over several floors is at home on the lowest.
                string? home = type.DeclaringSyntaxReferences.Select(reference => RoomOf(reference.SyntaxTree)).MinBy(
                    other => floors[other]);
                if (home is not null && floors[home] > floors[room])
                {
                    uses.Add(new UpwardUse(tree.FilePath, room, home, type.Name));
                }
            }
        }

        return [.. uses.OrderBy(use => use.File, StringComparer.Ordinal).ThenBy(use => use.Type, StringComparer.Ordinal)];
    }

    private static CSharpCompilation Compile(SourceFile[] sources)
    {
        // Documentation may name what stands above: a comment is no dependency.
        var options = new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.None);
        IEnumerable<SyntaxTree> trees = sources.Select(file => CSharpSyntaxTree.ParseText(file.Text, options, file.Path));
        SyntaxTree implicitUsings = CSharpSyntaxTree.ParseText(
            "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;"
            + "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;",
            options);
        return CSharpCompilation.Create(
            "House", trees.Append(implicitUsings), References, new CSharpCompilationOptions(OutputKind.ConsoleApplication));
    }

    private static string RoomOf(SyntaxTree tree) => tree.FilePath.Split('/')[0];

    /// <summary>The type that a name stands for, or whose member it is; a local, a parameter and a namespace have none.</summary>
    private static INamedTypeSymbol? TypeOf(SymbolInfo info)
    {
        // Without the generated half of a partial method, a call of it is only a candidate.
        ISymbol? symbol = info.Symbol ?? info.CandidateSymbols.FirstOrDefault();
        return symbol switch
        {
            INamedTypeSymbol named => named.OriginalDefinition,
            ILocalSymbol or IParameterSymbol or INamespaceSymbol or null => null,
            _ => symbol.ContainingType?.OriginalDefinition,
        };
    }
}

/// <summary>A file that uses a type of a room above its own.</summary>
internal sealed record UpwardUse(string File, string Room, string Above, string Type)
{
    /// <summary>The use without its file, so that a file may be renamed.</summary>
    public string Edge => $"{Room} uses {Type} of {Above}";

    public override string ToString() => $"{File} uses {Type} of {Above}, which is above {Room}.";
}

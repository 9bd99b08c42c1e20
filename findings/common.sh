# Sourced by each finding: a temporary folder, removed at the end together with what was started in it, and the comparison that decides.
set -euo pipefail
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
folder=$(mktemp -d)
started=()

finish() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap finish EXIT
cd "$folder"

# debian NAME=VERSION: unpacks a Debian package below ./root, without installing it.
debian() {
    apt-get -qq download "$1" 2>/dev/null || { echo "apt-get does not find $1; it is of Debian 12, after 'apt-get update'." >&2; exit 1; }
    dpkg-deb -x "${1%%=*}"_*.deb root
}

# start COMMAND...: runs in the background until the end of the finding.
start() {
    "$@" >/dev/null 2>&1 &
    started+=($!)
}

# listening PORT: waits until something listens on that port of loopback.
listening() {
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "Nothing listens on port $1." >&2
    exit 1
}

# free_port: prints a port of loopback that nothing uses.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# program [PACKAGE VERSION]...: builds ./Program.cs as a program of ASP.NET Core, which `dotnet out/program.dll` runs.
program() {
    local references=""
    while [ $# -gt 0 ]; do references+="<PackageReference Include=\"$1\" Version=\"[$2]\" />"; shift 2; done
    cat > program.csproj <<EOF
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><NoWarn>NU1603</NoWarn></PropertyGroup>
  <ItemGroup>$references</ItemGroup>
</Project>
EOF
    dotnet build -v quiet -nodeReuse:false -p:UseSharedCompilation=false -o out >build.log 2>&1 || { cat build.log >&2; exit 1; }
}

# expect WHAT SEEN-BEFORE SEEN-NOW: prints what is seen and fails where it is not what was seen before.
expect() {
    printf '%-58s %s\n' "$1" "$3"
    if [ "$2" != "$3" ]; then echo "This has changed; it was: $2" >&2; exit 1; fi
}

# The whole programs of w10. Sourced by run.sh: uses start, wait_for_port, scratch, near, far; sets route and watched.

is_there() { # is_there PEER
    case $1 in
        v2ray*) command -v v2ray >/dev/null ;;
        haproxy) command -v haproxy >/dev/null ;;
        ssh) command -v ssh >/dev/null && [[ -x /usr/sbin/sshd ]] ;;
        *) true ;;
    esac
}

start_proxies() { # start_proxies PEER
    echo "w10 is not there yet: $1" >>"$log"
}

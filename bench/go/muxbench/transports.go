package main

import (
	"fmt"
	"io"
	"net"

	"github.com/hashicorp/yamux"
	"github.com/xtaci/smux"
)

// openStream opens one more stream over whatever the peer calls its main connection.
type openStream func() (io.ReadWriteCloser, error)

func smuxConfig(version int) *smux.Config {
	config := smux.DefaultConfig()
	config.Version = version
	return config
}

// dialMultiplexer makes the main connection with the multiplexer's default settings.
// For go-raw there is none: every stream is a TCP connection of its own.
func dialMultiplexer(parsed options) (openStream, error) {
	if parsed.peer == "go-raw" {
		return func() (io.ReadWriteCloser, error) { return net.Dial("tcp", parsed.connect) }, nil
	}
	connection, err := net.Dial("tcp", parsed.connect)
	if err != nil {
		return nil, err
	}
	switch parsed.peer {
	case "go-yamux":
		session, err := yamux.Client(connection, nil)
		return func() (io.ReadWriteCloser, error) { return session.OpenStream() }, err
	case "go-smux1", "go-smux2":
		session, err := smux.Client(connection, smuxConfig(int(parsed.peer[len("go-smux")]-'0')))
		return func() (io.ReadWriteCloser, error) { return session.OpenStream() }, err
	}
	return nil, fmt.Errorf("unknown peer %q", parsed.peer)
}

// serveMultiplexer hands every stream of every accepted connection to handle.
func serveMultiplexer(parsed options, handle func(io.ReadWriteCloser)) error {
	listener, err := net.Listen("tcp", parsed.listen)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		switch parsed.peer {
		case "go-raw":
			go handle(connection)
		case "go-yamux":
			session, err := yamux.Server(connection, nil)
			if err != nil {
				return err
			}
			go acceptAll(func() (io.ReadWriteCloser, error) { return session.AcceptStream() }, handle)
		case "go-smux1", "go-smux2":
			session, err := smux.Server(connection, smuxConfig(int(parsed.peer[len("go-smux")]-'0')))
			if err != nil {
				return err
			}
			go acceptAll(func() (io.ReadWriteCloser, error) { return session.AcceptStream() }, handle)
		default:
			return fmt.Errorf("unknown peer %q", parsed.peer)
		}
	}
}

func acceptAll(accept openStream, handle func(io.ReadWriteCloser)) {
	for {
		stream, err := accept()
		if err != nil {
			return
		}
		go handle(stream)
	}
}

// An echo server as a Go program would write it with the standard library: a goroutine a connection, a loop
// of Read and Write; datagrams one by one.
//
//	go_echo TARGET [CERTIFICATE KEY]
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_echo:", err)
		os.Exit(2)
	}
}

func echo(c net.Conn) {
	defer c.Close()
	buffer := make([]byte, 32*1024)
	for {
		n, err := c.Read(buffer)
		if n > 0 {
			if _, err := c.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func serveStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		if err == nil {
			go echo(c)
		}
	}
}

func serveUDP(p *net.UDPConn) {
	buffer := make([]byte, 65536)
	for {
		if n, from, err := p.ReadFromUDPAddrPort(buffer); err == nil {
			p.WriteToUDPAddrPort(buffer[:n], from)
		}
	}
}

func serveUnixgram(p *net.UnixConn) {
	buffer := make([]byte, 65536)
	for {
		if n, from, err := p.ReadFromUnix(buffer); err == nil && from != nil {
			p.WriteToUnix(buffer[:n], from)
		}
	}
}

func main() {
	if len(os.Args) < 2 {
		check(fmt.Errorf("usage: go_echo TARGET [CERTIFICATE KEY]"))
	}
	scheme, rest, _ := strings.Cut(os.Args[1], ":")
	address := strings.TrimPrefix(rest, "//")
	switch scheme {
	case "tcp", "unix":
		l, err := net.Listen(scheme, address)
		check(err)
		serveStreams(l)
	case "tls":
		if len(os.Args) < 4 {
			check(fmt.Errorf("tls needs a certificate and a key"))
		}
		pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
		check(err)
		l, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{pair}})
		check(err)
		serveStreams(l)
	case "udp":
		at, err := net.ResolveUDPAddr("udp", address)
		check(err)
		p, err := net.ListenUDP("udp", at)
		check(err)
		serveUDP(p)
	case "unixgram":
		p, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		check(err)
		serveUnixgram(p)
	default:
		check(fmt.Errorf("no such target: %s", os.Args[1]))
	}
}

// Command coredns is CoreDNS with the few plugins that a cluster of one machine needs: a fifth of the time to compile.
package main

import (
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/bind"

	"github.com/coredns/coredns/coremain"
)

func main() { coremain.Run() }

// Command operators reads objects in YAML from standard input, a list of documents, and fails for those that are not what their
// types say: an unknown kind or field, or a value of the wrong type.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	securityv1 "github.com/openshift/api/security/v1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

var types = map[string]func() any{
	"monitoring.coreos.com/v1/PodMonitor":                 func() any { return new(monitoringv1.PodMonitor) },
	"monitoring.coreos.com/v1/ServiceMonitor":             func() any { return new(monitoringv1.ServiceMonitor) },
	"security.openshift.io/v1/SecurityContextConstraints": func() any { return new(securityv1.SecurityContextConstraints) },
}

func check(document []byte) error {
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	name := kind.APIVersion + "/" + kind.Kind
	create, known := types[name]
	if !known {
		return fmt.Errorf("%s: no such kind", name)
	}
	if err := yaml.UnmarshalStrict(document, create()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func main() {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = check(document)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

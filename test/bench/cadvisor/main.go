// cAdvisor as its own program is put together, without what needs the rest of it: the containers of containerd, CRI-O and
// systemd and bare cgroups, with the metrics that are on by default, on a page of Prometheus.
//
//	cadvisor -listen ADDRESS    and the flags that cAdvisor's packages register, such as -housekeeping_interval
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/container"
	_ "github.com/google/cadvisor/lib/container/containerd/install"
	_ "github.com/google/cadvisor/lib/container/crio/install"
	_ "github.com/google/cadvisor/lib/container/systemd/install"
	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/metrics"
	"github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/utils/sysfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/utils/clock"
)

// What -disable_metrics of cAdvisor leaves on by default (docs/runtime_options.md there).
var enabled = container.MetricSet{
	container.CpuUsageMetrics:     {},
	container.PerCpuUsageMetrics:  {},
	container.MemoryUsageMetrics:  {},
	container.DiskIOMetrics:       {},
	container.DiskUsageMetrics:    {},
	container.NetworkUsageMetrics: {},
	container.OOMMetrics:          {},
	container.PressureMetrics:     {},
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address of the page")
	keep := flag.Duration("storage_duration", 2*time.Minute, "how long to keep what was read")
	flag.Parse()

	housekeeping := manager.HousekeepingConfigFlags
	kept := memory.New(*keep, nil)
	everyCgroup, noEnvironment := []string{""}, []string{}
	watched, err := manager.New(kept, sysfs.NewRealSysFs(), housekeeping, enabled, everyCgroup, noEnvironment, "", 0)
	if err != nil {
		log.Fatal(err)
	}
	if err := watched.Start(); err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	options := model.RequestOptions{IdType: model.TypeName, Count: 1, Recursive: true}
	registry.MustRegister(
		metrics.NewPrometheusCollector(watched, nil, enabled, clock.RealClock{}, options),
		metrics.NewPrometheusMachineCollector(watched, enabled),
	)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	log.Fatal(http.ListenAndServe(*listen, nil))
}

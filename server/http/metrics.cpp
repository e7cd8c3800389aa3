// See metrics.h.
#include "server/http/metrics.h"

#include <string_view>

#include "engine/base/str.h"
#include "server/http/exposition.h"

namespace sx {
namespace {

// Microseconds as seconds, without trailing zeros: 2500 → "0.0025".
std::string seconds(std::uint64_t us) {
  std::string out = std::to_string(us / 1'000'000);
  std::string fraction = std::to_string(us % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  if (!fraction.empty()) out += "." + fraction;
  return out;
}

}  // namespace

HttpTotals HttpMetrics::totals() const {
  HttpTotals sum;
  for (const WorkerMetrics& worker : workers_) {
    for (std::size_t i = 1; i < worker.responses_by_class.size(); ++i) {
      sum.responses_by_class[i] += worker.responses_by_class[i].get();
      sum.requests += worker.responses_by_class[i].get();
    }
    sum.requests_in_flight += worker.requests_in_flight.get();
    sum.streams += worker.streams.get();
    sum.websockets += worker.websockets.get();
    sum.connections += worker.connections.get();
    sum.connections_total += worker.connections_total.get();
    sum.connections_refused += worker.connections_refused.get();
    sum.requests_shed += worker.requests_shed.get();
    sum.address_refused += worker.address_refused.get();
    sum.handler_timeouts += worker.handler_timeouts.get();
    sum.receive_timeouts += worker.receive_timeouts.get();
    sum.bytes_in += worker.bytes_in.get();
    sum.bytes_out += worker.bytes_out.get();
    for (std::size_t i = 0; i < worker.durations.size(); ++i)
      sum.durations[i] += worker.durations[i].get();
    sum.duration_us_sum += worker.duration_us_sum.get();
  }
  return sum;
}

std::string HttpMetrics::prometheus() const {
  const HttpTotals sum = totals();
  std::string out;
  out += "# HELP sx_http_requests_total Responses sent, by status class.\n";
  out += "# TYPE sx_http_requests_total counter\n";
  for (std::size_t i = 1; i < sum.responses_by_class.size(); ++i)
    out += str("sx_http_requests_total{class=\"", i, "xx\"} ", sum.responses_by_class[i], "\n");
  append_metric(out, "sx_http_requests_in_flight", MetricType::Gauge,
                "Requests a handler is working on.", sum.requests_in_flight);
  append_metric(out, "sx_http_streams", MetricType::Gauge, "Streamed answers under way.",
                sum.streams);
  append_metric(out, "sx_http_websockets", MetricType::Gauge, "Open WebSockets.", sum.websockets);
  append_metric(out, "sx_http_connections", MetricType::Gauge, "Open connections.",
                sum.connections);
  append_metric(out, "sx_http_connections_total", MetricType::Counter, "Connections accepted.",
                sum.connections_total);
  append_metric(out, "sx_http_connections_refused_total", MetricType::Counter,
                "Connections answered with 503 because the worker was full.",
                sum.connections_refused);
  append_metric(out, "sx_http_requests_shed_total", MetricType::Counter,
                "Requests answered with 503 because too many were in flight.", sum.requests_shed);
  append_metric(out, "sx_http_address_refused_total", MetricType::Counter,
                "Connections and requests answered with 429 because one address had its share.",
                sum.address_refused);
  append_metric(out, "sx_http_handler_timeouts_total", MetricType::Counter,
                "Requests answered with 503 because the handler was too slow.",
                sum.handler_timeouts);
  append_metric(out, "sx_http_receive_timeouts_total", MetricType::Counter,
                "Requests answered with 408 because they did not arrive in time.",
                sum.receive_timeouts);
  append_metric(out, "sx_http_received_bytes_total", MetricType::Counter,
                "Bytes read from clients.", sum.bytes_in);
  append_metric(out, "sx_http_sent_bytes_total", MetricType::Counter, "Bytes written to clients.",
                sum.bytes_out);
  out +=
      "# HELP sx_http_request_duration_seconds From the complete head to the last byte sent, or "
      "the head of a stream.\n";
  out += "# TYPE sx_http_request_duration_seconds histogram\n";
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < sum.durations.size(); ++i) {
    count += sum.durations[i];
    const std::string bound =
        i < kDurationBucketsUs.size() ? seconds(kDurationBucketsUs[i]) : "+Inf";
    out += str("sx_http_request_duration_seconds_bucket{le=\"", bound, "\"} ", count, "\n");
  }
  out += str("sx_http_request_duration_seconds_sum ", seconds(sum.duration_us_sum), "\n");
  out += str("sx_http_request_duration_seconds_count ", count, "\n");
  return out;
}

}  // namespace sx

#include "apps/roles/sale_core.hpp"

#include <stdexcept>

#include "http/message/problem.hpp"

namespace market::apps {
namespace {

Position records_position(Store& store) {
  const auto at = store.fold.position();
  if (!at) throw std::runtime_error(at.error().detail);
  return *at;
}

sale::GateSettings gate_settings(const Settings& settings) {
  sale::GateSettings gate;
  gate.queue_max = static_cast<int>(settings.number("orders.queue_max"));
  gate.fold_lag_max = settings.number("orders.fold_lag_max");
  gate.attempt_bound = settings.duration("orders.attempt_bound");
  gate.restart_grace = settings.duration("orders.restart_grace");
  return gate;
}

}  // namespace

SaleCore::SaleCore(Store& store, const Clock& clock, const Settings& settings)
    : folder(store.fold, overlay, records_position(store), {}),
      gate(sale::GateParts{store.log, store.records, store.fold, store.snapshots, overlay, folder, live, keys,
                           clock},
           gate_settings(settings)),
      reader(overlay, store.records) {}

void SaleCore::stop() {
  gate.stop();
  folder.stop();
}

void SaleCore::add_metrics(platform::MetricsText& metrics) const {
  const auto& counters = gate.counters();
  metrics.family("market_orders_accepted_total", "counter", "Orders accepted.")
      .sample(counters.accepted.load());
  metrics.family("market_orders_voided_total", "counter", "Orders that expired unpaid.")
      .sample(counters.voided.load());
  metrics.family("market_log_commits_total", "counter", "Commit groups of the event log.")
      .sample(counters.commits.load());
  metrics.family("market_log_events_total", "counter", "Events appended since the start.")
      .sample(counters.events.load());
  metrics
      .family("market_log_failed_commits_total", "counter",
              "Commits whose outcome was unknown or that did not fit.")
      .sample(counters.failed_commits.load());
  metrics.family("market_oversell_prevented_total", "counter", "Acceptances beyond capacity; must stay 0.")
      .sample(counters.oversell_prevented.load());
  const auto lag = std::max<Position>(0, gate.log_position() - folder.position());
  metrics.family("market_fold_lag_events", "gauge", "Log events not yet in the records.")
      .sample(static_cast<std::uint64_t>(lag));
  metrics.family("market_gate_waiting", "gauge", "Commands waiting for the gate.")
      .sample(static_cast<std::uint64_t>(std::max(0, gate.waiting())));
  metrics.family("market_gate_recovering", "gauge", "1 while the log is reopened and folded.")
      .sample(static_cast<std::uint64_t>(live.recovering()));
}

}  // namespace market::apps

#pragma once
/// The sale engine with everything around it, on one store: gate, fold, live numbers, order pages.

#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"
#include "sale/order_reader.hpp"
#include "sale/sale_gate.hpp"
#include "services/platform/metrics_text.hpp"

namespace market::apps {

struct SaleCore {
  /// Recovers the gate from the log. Throws std::runtime_error with one clear line.
  SaleCore(Store& store, const Clock& clock, const Settings& settings);
  ~SaleCore() { stop(); }
  /// Commits and folds what is there. Twice is fine.
  void stop();
  /// Adds the sale's families to /metrics.
  void add_metrics(platform::MetricsText& metrics) const;

  sale::KeyFilter keys;
  sale::OrderOverlay overlay;
  sale::LiveStockTable live{keys};
  sale::RecordFolder folder;
  sale::MemorySaleGate gate;
  sale::LayeredOrderReader reader;
};

}  // namespace market::apps

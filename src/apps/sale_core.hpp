#pragma once
/// The sale engine with everything around it, on one store: gate, fold, live numbers, order pages.

#include "adapters/memory/order_reader.hpp"
#include "adapters/memory/sale_gate.hpp"
#include "apps/metrics_text.hpp"
#include "apps/settings.hpp"
#include "apps/store.hpp"

namespace market::apps {

struct SaleCore {
  /// Recovers the gate from the log. Throws std::runtime_error with one clear line.
  SaleCore(Store& store, const Clock& clock, const Settings& settings);
  ~SaleCore() { stop(); }
  /// Commits and folds what is there. Twice is fine.
  void stop();
  /// Adds the sale's families to /metrics.
  void add_metrics(MetricsText& metrics) const;

  memory::KeyFilter keys;
  memory::OrderOverlay overlay;
  memory::LiveStockTable live{keys};
  memory::RecordFolder folder;
  memory::MemorySaleGate gate;
  memory::LayeredOrderReader reader;
};

}  // namespace market::apps

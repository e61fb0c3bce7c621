#pragma once
/// The sale engine with everything around it, on one store: gate, fold, live numbers, order pages.

#include <memory>

#include "adapters/kafka/log.hpp"
#include "adapters/mysql/order_records.hpp"
#include "adapters/mysql/order_search.hpp"
#include "adapters/mysql/record_fold.hpp"
#include "adapters/remote/tcp_command_link.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"
#include "sale/gate.hpp"
#include "sale/order_reader.hpp"
#include "services/platform/metrics_text.hpp"

namespace market::apps {

/// How long it may take, at most, until another instance writes a shared log: the longest silence, and an
/// opening as slow as an append may be. Buyers wait for it, so it must fit in what they wait
/// (docs/decisions/0031-sign-of-life-in-the-log.md).
constexpr Millis take_over_max = sale::WatchSettings{}.silence_longest() + kafka::append_time_usual;
static_assert(take_over_max + Millis(1'000) <= sale::SenderSettings{}.answer_time_max);
// Also when the next writer dies before it has answered, while the log is quick.
static_assert(2 * sale::WatchSettings{}.silence_longest() <= sale::SenderSettings{}.answer_time_max);
// A writer that still can append is never silent for so long: its next sign of life is due, noticed late and
// slow to come. Otherwise two on a slow log would open in turn.
static_assert(sale::WatchSettings{}.silence_doubled_max >= sale::WatchSettings{}.sign_of_life_every +
                                                               sale::WatchSettings{}.tick_late_max +
                                                               kafka::append_time_usual + Millis(300));

struct SaleCore {
  /// Recovers the gate from the log. `render`: what is kept beside each product. `decides`: this process may
  /// write the log and fold the records; others only follow. Throws std::runtime_error with one clear line.
  SaleCore(Store& store, const Clock& clock, const Settings& settings, sale::ProductTable::Render render,
           bool decides);
  ~SaleCore() { stop(); }
  /// Commits and folds what is there. Twice is fine.
  void stop();
  /// Adds the sale's families to /metrics.
  void add_metrics(platform::MetricsText& metrics) const;
  /// Why this instance cannot speak for the log that it shares. None: it can.
  std::optional<std::string> hears_nothing() const;
  /// Waits until this instance writes, or hears another that does.
  void settle() const;

  // What is shared with other processes; where it is null, the store's own is used.
  std::unique_ptr<kafka::KafkaLog> shared_log;          ///< With log.kafka.
  std::unique_ptr<mysql::MysqlRecordFold> shared_fold;  ///< With records.mysql.
  std::unique_ptr<mysql::MysqlOrderRecords> shared_records;
  std::unique_ptr<mysql::MysqlOrderSearch> shared_search;
  std::unique_ptr<remote::TcpCommandLink> door;  ///< With log.kafka: to the other instances.
  Log& log;                                      ///< That of this process, wherever it is.
  RecordFold& fold;
  OrderRecords& records;
  OrderSearch& order_search;
  sale::KeyFilter keys;
  sale::ReadOverlay overlay;
  sale::ProductTable products;
  sale::Projector projector;
  sale::LogGate gate;
  sale::LayeredOrderReader reader;
};

}  // namespace market::apps

#include "apps/roles/sale_core.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <stdexcept>

#include "apps/roles/serve_parts.hpp"
#include "apps/roles/shared_log.hpp"
#include "base/limited_warnings.hpp"
#include "base/random.hpp"
#include "http/message/problem.hpp"

namespace market::apps {
namespace {

Place records_place(RecordFold& fold) {
  const auto at = fold.place();
  if (!at) throw std::runtime_error(at.error().detail);
  return *at;
}

/// As behind any crash: whoever supervises this process starts it again, and all that counts is in the log.
[[noreturn]] void end_for_a_new_start(const std::string& why) {
  spdlog::critical("{}; this process ends, and its next start reads the log again", why);
  spdlog::default_logger()->flush();
  std::_Exit(1);
}

sale::Projector::Settings projector_settings(bool decides) {
  sale::Projector::Settings projector;
  projector.others_fold = !decides;
  projector.start_anew = end_for_a_new_start;
  return projector;
}

sale::GateSettings gate_settings(const Settings& settings, LogId store, bool decides) {
  sale::GateSettings gate;
  gate.may_write = decides;
  gate.start_anew = end_for_a_new_start;
  gate.new_log = store;
  gate.answer_time_max = settings.duration("orders.answer_time_max");
  gate.sender.answer_time_max = gate.answer_time_max;
  gate.queue_max = static_cast<int>(settings.number("orders.queue_max"));
  gate.fold_lag_max = settings.number("orders.fold_lag_max");
  gate.sequencer.rules.attempt_bound = settings.duration("orders.attempt_bound");
  gate.sequencer.rules.copies_settled_for = gate.answer_time_max + Millis(5'000);
  gate.sequencer.rules.return_window = settings.duration("orders.day");
  gate.failpoint = failpoint_of(settings);
  gate.restart_grace = settings.duration("orders.restart_grace");
  gate.snapshot_every = settings.number("log.snapshot_every");
  // What others write on a topic is theirs; in a file of ours it is damage.
  gate.sequencer.foreign_bytes_ignored = !settings.text("log.kafka").empty();
  return gate;
}

/// Null: the records are the store's own file.
std::unique_ptr<mysql::MysqlRecordFold> mysql_fold(const Settings& settings) {
  const auto server = mysql_server(settings, "records");
  return server ? std::make_unique<mysql::MysqlRecordFold>(*server) : nullptr;
}

/// Null: the log is the store's own file.
std::unique_ptr<kafka::KafkaLog> kafka_log(const Settings& settings, Store& store, const Clock& clock) {
  if (settings.text("log.kafka").empty()) return nullptr;
  const auto own_end = store.log.end();
  if (!own_end) throw std::runtime_error(own_end.error().detail);
  if (*own_end > 1)
    throw UsageError(
        "log.kafka: this store's own log.db holds events; give this process a data folder of its own");
  const auto shared = mysql_fold(settings);
  auto log = kafka_settings(settings);
  log.clock = &clock;
  return open_shared_log(std::move(log), shared ? static_cast<RecordFold&>(*shared) : store.fold);
}

/// Null: nobody else sells what this instance sells.
std::unique_ptr<remote::TcpCommandLink> door_of(const Settings& settings, const Store& store, bool shared) {
  if (!shared) return nullptr;
  const auto listen = parse_address("orders.door", settings.text("orders.door"));
  return std::make_unique<remote::TcpCommandLink>(
      remote::TcpCommandLinkSettings{listen.host, listen.port, settings.text("orders.door_address"),
                                     door_secret(store.refresh_key()), limited_warnings()});
}

}  // namespace

SaleCore::SaleCore(Store& store, const Clock& clock, const Settings& settings,
                   sale::ProductTable::Render render, bool decides)
    : shared_log(kafka_log(settings, store, clock)),
      shared_fold(mysql_fold(settings)),
      shared_records(shared_fold ? std::make_unique<mysql::MysqlOrderRecords>(
                                       *mysql_server(settings, "records"), store.pages_pool,
                                       store.orders_pool, Store::sql_threads + Store::own_orders_threads)
                                 : nullptr),
      shared_search(shared_fold
                        ? std::make_unique<mysql::MysqlOrderSearch>(*mysql_server(settings, "records"))
                        : nullptr),
      door(door_of(settings, store, shared_log != nullptr)),
      log(shared_log ? static_cast<Log&>(*shared_log) : store.log),
      fold(shared_fold ? static_cast<RecordFold&>(*shared_fold) : store.fold),
      records(shared_records ? static_cast<OrderRecords&>(*shared_records) : store.records),
      order_search(shared_search ? static_cast<OrderSearch&>(*shared_search) : store.order_search),
      products(keys, std::move(render)),
      projector(fold, overlay, records_place(fold), projector_settings(decides)),
      gate(sale::GateParts{log, records, fold, store.snapshots, overlay, projector, products, keys, clock,
                           random_number, shared_log.get(), door.get()},
           gate_settings(settings, store.id, decides)),
      reader(overlay, records) {
  store.expect_accounts_of(gate.end_at_start().point.log);
}

void SaleCore::stop() {
  if (shared_search) shared_search->stop();
  gate.stop();
  projector.stop();
}

std::optional<std::string> SaleCore::hears_nothing() const {
  if (auto wrong = gate.clock_trouble(); !wrong.empty()) return wrong;
  constexpr Millis silence_max{3'000};  // Longer than a dead writer is waited for.
  if (!shared_log || gate.writes() || gate.silent_for() < silence_max) return std::nullopt;
  return "the event log gives no sign of life";
}

void SaleCore::settle() const {
  if (!shared_log) return;
  constexpr int looks = 150;  // Of 20 ms: longer than a silent writer is waited for.
  for (int i = 0; i < looks && !gate.writes() && !gate.hears_another(); ++i)
    std::this_thread::sleep_for(Millis(20));
  spdlog::info("the event log is on Kafka; {} writes it; the door is at {}",
               gate.writes() ? "this instance" : "another instance", door->address());
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
  const auto lag = std::max<Place>(0, gate.place() - projector.place());
  metrics.family("market_fold_lag_events", "gauge", "Log events not yet in the records.")
      .sample(static_cast<std::uint64_t>(lag));
  metrics.family("market_open_orders", "gauge", "Orders that the sequencer keeps in memory.")
      .sample(counters.open_orders.load());
  metrics
      .family("market_clock_alarms_total", "counter",
              "Decisions made while the log was further ahead of the clock than it may be.")
      .sample(counters.clock_alarms.load());
  metrics.family("market_snapshots_total", "counter", "Snapshots made since the start.")
      .sample(gate.snapshots_made());
  metrics
      .family("market_started_from_place", "gauge",
              "Place of the snapshot that the start began with; 0: the log was read from its beginning.")
      .sample(static_cast<std::uint64_t>(gate.started_from()));
  metrics.family("market_gate_waiting", "gauge", "Commands waiting for the gate.")
      .sample(static_cast<std::uint64_t>(std::max(0, gate.waiting())));
  metrics.family("market_commands_elsewhere", "gauge", "Commands that wait for the instance that writes.")
      .sample(static_cast<std::uint64_t>(gate.waiting_elsewhere()));
  const std::vector<double> ends(sale::TimeHistogram::ends.begin(), sale::TimeHistogram::ends.end());
  metrics.family("market_log_commit_duration_seconds", "histogram", "One group, written and synced.")
      .histogram(ends, counters.commit_times.at_most(), counters.commit_times.seconds(), {});
  metrics.family("market_gate_wait_duration_seconds", "histogram", "A command, until it is decided.")
      .histogram(ends, counters.queue_times.at_most(), counters.queue_times.seconds(), {});
  metrics.family("market_selling_stopped_seconds", "gauge", "For how long nothing could be sold; 0: it can.")
      .sample(static_cast<std::uint64_t>(gate.unable_for().count() / 1000));
  metrics.family("market_log_place", "gauge", "Place of the last event that was followed or written.")
      .sample(static_cast<std::uint64_t>(gate.place()));
  metrics.family("market_log_writes", "gauge", "1 while this instance writes the event log.")
      .sample(static_cast<std::uint64_t>(gate.writes()));
  if (shared_log)
    metrics
        .family("market_kafka_producers_replaced_total", "counter",
                "Producers of Kafka that had broken for good, and were replaced; should stay 0.")
        .sample(shared_log->producers_replaced());
  metrics.family("market_gate_recovering", "gauge", "1 while the log is reopened and folded.")
      .sample(static_cast<std::uint64_t>(products.recovering()));
}

}  // namespace market::apps

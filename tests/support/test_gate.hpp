#pragma once
/// An embedded gate on a log, records and snapshots in memory, which a restart keeps.

#include <thread>

#include "sale/gate.hpp"
#include "sale/order_reader.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_clock.hpp"
#include "tests/support/test_records.hpp"
#include "tests/support/wait.hpp"

namespace market::tests {

struct MemorySnapshots final : SnapshotStore {
  Result<std::optional<SnapshotBytes>> load() override {
    const std::scoped_lock lock(mutex);
    if (unreadable) return fail(Code::unavailable, "the snapshot's disk is broken");
    if (!bytes) return std::nullopt;
    const auto copy = std::make_shared<const std::string>(*bytes);
    return SnapshotBytes(copy, *copy);
  }
  Result<> begin() override {
    begun.clear();
    return {};
  }
  Result<> append(std::string_view piece) override {
    begun += piece;
    return {};
  }
  Result<> commit() override {
    const std::scoped_lock lock(mutex);
    bytes = begun;
    return {};
  }
  std::mutex mutex;
  std::string begun;
  std::optional<std::string> bytes;
  bool unreadable = false;
};

class TestGate {
 public:
  explicit TestGate(sale::GateSettings settings = quick()) : settings_(settings) { start(); }
  ~TestGate() { stop(); }

  static sale::GateSettings quick() {
    sale::GateSettings settings;
    settings.reopen_after = Millis(1);
    settings.restart_grace = Millis(0);
    return settings;
  }

  void start() { running_ = std::make_unique<Running>(*this); }
  void stop() { running_.reset(); }
  void restart() {
    stop();
    start();
  }
  sale::LogGate& gate() { return running_->gate; }
  sale::Projector& projector() { return running_->projector; }
  sale::ProductTable& table() { return running_->table; }
  sale::LayeredOrderReader& reader() { return running_->reader; }

  Result<Submitted> submit(Command command) { return run(gate().submit(std::move(command))); }
  /// Again and again while the gate says that nothing happened.
  Result<Submitted> submit_until_it_writes(const Command& command) {
    auto answer = submit(command);
    for (int i = 0; i < 2'000 && !answer && may_pass(answer.error().code); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      clock.advance(Millis(1));
      answer = submit(command);
    }
    return answer;
  }
  bool wait_until_folded() {
    return wait([this] { return projector().place() == gate().place(); });
  }
  /// The order as everybody sees it; null when there is none.
  OrderPtr order(UserId user, std::int64_t id) {
    auto found = run(reader().find(user, OrderId{id}));
    return found ? *found : nullptr;
  }

  TestClock clock;
  MemoryLog log;
  TestRecords records;
  MemorySnapshots snapshots;
  std::vector<LogFollower*> followers;  ///< From the next start on.

 private:
  static bool may_pass(Code code) { return code == Code::recovering || code == Code::insufficient_storage; }
  struct Running {
    explicit Running(TestGate& kept)
        : table(keys, [](const ShownProduct&) { return nullptr; }),
          projector(kept.records, overlay, *kept.records.place(),
                    sale::Projector::Settings{
                        .batch_events_max = 100, .linger = Millis(1), .retry_after = Millis(5)}),
          gate(sale::GateParts{kept.log, kept.records, kept.records, kept.snapshots, overlay, projector,
                               table, keys, kept.clock, [&kept] { return ++kept.random_; }},
               kept.settings_),
          reader(overlay, kept.records) {
      for (LogFollower* follower : kept.followers) gate.add_follower(*follower);
      gate.start();
    }
    sale::KeyFilter keys;
    sale::ReadOverlay overlay;
    sale::ProductTable table;
    sale::Projector projector;
    sale::LogGate gate;
    sale::LayeredOrderReader reader;
  };
  const sale::GateSettings settings_;
  std::uint64_t random_ = 0;
  std::unique_ptr<Running> running_;
};

}  // namespace market::tests

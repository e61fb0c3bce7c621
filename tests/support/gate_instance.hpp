#pragma once
/// Gates of several instances on one log, in real time with short silences; log and net are memory.

#include <atomic>

#include "sale/gate.hpp"
#include "sale/order_reader.hpp"
#include "tests/support/memory_link.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/shared_memory_log.hpp"
#include "tests/support/test_gate.hpp"
#include "tests/support/test_records.hpp"

namespace market::tests {

inline sale::GateSettings quick_shared_gate() {
  sale::GateSettings settings;
  settings.reopen_after = Millis(5);
  settings.restart_grace = Millis(0);
  settings.watch.sign_of_life_every = Millis(30);
  settings.watch.silence_max = Millis(150);
  settings.watch.jitter_max = Millis(40);
  settings.watch.silence_doubled_max = Millis(300);
  settings.sequencer.foreign_bytes_ignored = true;
  settings.sender.resend_after = Millis(50);
  settings.sender.retry_after = Millis(10);
  settings.sender.answer_time_max = Millis(20'000);
  return settings;
}

/// One order instance on a log of several: its own records, snapshots and door to the log, and a link to the
/// others where there is a net.
struct GateInstance {
  GateInstance(SharedMemory& memory, int number, LinkNet* net_below = nullptr, bool writes_too = true)
      : net(net_below),
        may_write(writes_too),
        name("instance-" + std::to_string(number)),
        door(memory),
        random(static_cast<std::uint64_t>(number) << 32) {
    start();
  }
  ~GateInstance() { stop(); }
  void start() { running = std::make_unique<Running>(*this); }
  void stop() { running.reset(); }
  /// As kill -9: nothing is said to anybody.
  void die() {
    door.shut();
    if (net) net->leave(name);
    stop();
    door.open();
  }
  sale::LogGate& gate() { return running->gate; }
  Result<Submitted> submit(Command command) { return run(gate().submit(std::move(command))); }
  std::int64_t remaining(ProductId product) {
    const auto* shown = running->table.find(product);
    return shown == nullptr ? -1 : shown->live->remaining.load();
  }
  bool has_order(UserId user, std::int64_t id) {
    return run(running->reader.find(user, OrderId{id})).has_value();
  }

  sale::GateSettings settings() const {
    auto gate = quick_shared_gate();
    gate.may_write = may_write;
    gate.snapshot_every = snapshot_every;
    gate.fold_lag_max = fold_lag_max;
    gate.start_anew = [this](const std::string&) { told_to_start_anew.store(true); };
    return gate;
  }

  LinkNet* const net;
  bool may_write;  ///< From the next start on.
  const std::string name;
  SystemClock clock;
  Door door;
  std::atomic<std::uint64_t> random;
  TestRecords records;
  MemorySnapshots snapshots;
  Place snapshot_every = 500'000, fold_lag_max = 1'000'000;  ///< From the next start on.
  mutable std::atomic<bool> told_to_start_anew{false};

  struct Running {
    explicit Running(GateInstance& of)
        : link(of.net ? std::make_unique<MemoryLink>(*of.net, of.name) : nullptr),
          table(keys, [](const ShownProduct&) { return nullptr; }),
          projector(of.records, overlay, *of.records.place(), sale::Projector::Settings{.linger = Millis(1)}),
          gate(sale::GateParts{of.door, of.records, of.records, of.snapshots, overlay, projector, table, keys,
                               of.clock, [&of] { return ++of.random; }, &of.door, link.get()},
               of.settings()),
          reader(overlay, of.records) {
      gate.start();
    }
    std::unique_ptr<MemoryLink> link;
    sale::KeyFilter keys;
    sale::ReadOverlay overlay;
    sale::ProductTable table;
    sale::Projector projector;
    sale::LogGate gate;
    sale::LayeredOrderReader reader;
  };
  std::unique_ptr<Running> running;
};

}  // namespace market::tests

#pragma once
/// The embedded sale gate (ports/sale_gate.hpp): the engine's state in memory, one writer thread, group
/// commit.
///
///   I/O thread: submit() → lock-free queue → writer: decide and apply each, append all as one group, show
///   what is durable (live stock, overlay, fold), answer each on its own I/O thread.
///
/// What the writer has forgotten (closed orders and keys that the records have) is looked up by submit() in
/// the records, off the writer, and handed in with the log position of that reading; the writer refuses a
/// reading older than what it has forgotten since, and the look-up is repeated.

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <queue>
#include <thread>

#include "base/time.hpp"
#include "ports/sale_gate.hpp"
#include "sale/gate_recovery.hpp"
#include "sale/live_stock.hpp"
#include "sale/record_folder.hpp"

namespace market::sale {

struct GateSettings {
  int queue_max = 65'536;         ///< Commands waiting for the writer; beyond: overloaded.
  std::size_t batch_max = 4'096;  ///< Commands in one commit.
  /// In a rush (the last batch had `gather_from` commands or more) a commit waits `gather_time` for more of
  /// them: a sync for few costs as much as one for many. PostgreSQL has the same as commit_siblings and
  /// commit_delay. A buyer who comes alone never waits.
  std::size_t gather_from = 16;
  std::chrono::microseconds gather_time{2'000};
  Position fold_lag_max = 1'000'000;  ///< Events not yet in the records; beyond, new orders: overloaded.
  Millis attempt_bound{5'000};        ///< How long an open payment attempt delays an expiry.
  Millis restart_grace{60'000};       ///< The most that a downtime is given back to unpaid orders.
  Millis forget_after{4'000};         ///< Keeps a closed order this long, so that look-ups settle.
  Millis reopen_after{200};  ///< Between tries to reopen a failed log; also between probes of a full disk.
};

/// Numbers for /metrics; any thread.
struct GateCounters {
  std::atomic<std::uint64_t> accepted{0}, voided{0}, commits{0}, events{0}, oversell_prevented{0},
      failed_commits{0};
};

/// What the gate works with; all outlive it.
struct GateParts {
  EventLog& log;
  OrderRecords& records;
  OrderFold& fold;
  SnapshotStore& snapshots;
  OrderOverlay& overlay;
  RecordFolder& folder;
  LiveStockTable& live;
  KeyFilter& keys;
  const Clock& clock;
};

class MemorySaleGate final : public SaleGate {
 public:
  /// Recovers the state and starts the writer. Throws std::runtime_error with one clear line.
  MemorySaleGate(GateParts parts, GateSettings settings);
  ~MemorySaleGate() override { stop(); }

  Task<Submitted> submit(Command command) override;

  /// Called on the writer thread with orders whose payment or refund is open, at start() and after each
  /// replay.
  void on_open_payments(std::function<void(std::vector<OrderPtr>)> hook) {
    open_payments_hook_ = std::move(hook);
  }
  void start();
  /// Commits what is queued, then ends the thread.
  void stop();

  const GateCounters& counters() const { return counters_; }
  Position log_position() const { return position_.load(std::memory_order_acquire); }
  /// Where the snapshot that the start used stands; 0: there was none.
  Position snapshot_at() const { return snapshot_at_; }
  int waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct Pending;
  enum class Missing : std::uint8_t { nothing, order, key };
  struct Deadline {
    Instant at;
    OrderId order;
    bool operator<(const Deadline& other) const { return at > other.at; }  // The earliest on top.
  };
  /// A change that may be forgotten once the records have it: the order when nothing is open, and its key.
  struct Remembered {
    ChangedOrder change;
    Instant at;
  };

  using Batch = std::vector<Pending*>;

  void push(Pending& pending);
  Task<> look_up(Pending& pending);

  void run();
  Millis sleep_time(Instant now) const;
  void take_queue(Batch& batch);
  void process(std::span<Pending* const> batch, Instant now);
  Missing admit_what_it_needs(Pending& pending, Instant now);
  void admit(const Pending& pending, bool with_key, Instant now);
  void decide_pending(Pending& pending, Instant now);
  void settle(Pending& pending, Decision decision);
  void expire_due(Instant now);
  OrderPtr apply_event(Event event);
  Result<> commit(Instant now);
  void show_committed(Position last, Instant now);
  void show_changes(std::vector<ChangedOrder> changes, Position through, Instant now);
  void resume(std::span<Pending* const> batch);
  void refuse_all(std::span<Pending* const> batch, const Error& error);
  void forget_recorded(Instant now);
  void take_over(Recovered recovered, Instant now);
  void recover_after_failure(Instant now);
  void grant_grace(Instant last_event_at);
  void report_open_payments();
  bool too_far_ahead() const;

  GateParts parts_;
  const GateSettings settings_;
  GateCounters counters_;
  std::function<void(std::vector<OrderPtr>)> open_payments_hook_;

  // The queue: a stack that I/O threads push on and the writer takes whole.
  std::atomic<Pending*> queue_{nullptr};
  std::atomic<int> waiting_{0};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  std::mutex sleep_mutex_;
  std::condition_variable wake_;

  // The writer thread's own.
  std::size_t last_batch_size_ = 0;
  SaleState state_;
  std::priority_queue<Deadline> deadlines_;
  std::deque<Remembered> remembered_;
  Position forgotten_through_ = 0;
  Position shown_through_ = 0;  ///< The newest event that others were told of.
  std::atomic<Position> position_{0};
  bool log_failed_ = false;
  bool disk_full_ = false;
  Instant next_try_{};
  Instant last_event_at_{};
  Position snapshot_at_ = 0;
  std::vector<Event> events_;      ///< Of the batch being decided.
  std::vector<OrderPtr> changed_;  ///< Per event; null when it changed no order.
  std::vector<ProductId> touched_products_;
  std::thread thread_;
};

}  // namespace market::sale

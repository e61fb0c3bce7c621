#pragma once
/// The sale gate of a process that has the log (ports/sale_gate.hpp): one thread around the sequencer. On a
/// log that this process alone has it writes; on one of several it writes, or follows and hands commands on.
///
///   I/O thread: submit() → lock-free queue → writer: decide each, append them as one group, show what counts
///   to all that follow the log, answer each on its own I/O thread.
///
/// What the sequencer has forgotten (closed orders and keys that the records have) is looked up by submit()
/// in the records, off the writer, and handed in with the place of that reading.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "base/failpoint.hpp"
#include "base/line_limit.hpp"
#include "ports/log_follower.hpp"
#include "ports/sale_gate.hpp"
#include "ports/shared_log.hpp"
#include "sale/product_table.hpp"
#include "sale/projector.hpp"
#include "sale/remote_gate.hpp"
#include "sale/sequencer.hpp"
#include "sale/snapshot.hpp"
#include "sale/snapshot_writer.hpp"
#include "sale/time_histogram.hpp"
#include "sale/writer_watch.hpp"

namespace market::sale {

struct GateSettings {
  int queue_max = 65'536;  ///< Commands waiting for the writer; beyond: overloaded.
  /// In a rush (the last batch had `gather_from` commands or more) a commit waits `gather_time` for more of
  /// them: a sync for few costs as much as one for many. PostgreSQL has the same as commit_siblings and
  /// commit_delay. A buyer who comes alone never waits.
  std::size_t gather_from = 16;
  std::chrono::microseconds gather_time{2'000};
  /// Of an instance that is further behind than any writer lets orders come.
  StartAnew start_anew = [](const std::string&) {};
  Place fold_lag_max = 1'000'000;  ///< Events not yet in the records; beyond, new orders: overloaded.
  Millis restart_grace{60'000};    ///< The most that a pause is given back to unpaid orders.
  Millis reopen_after{200};        ///< Between tries to go on after a failed append.
  Millis answer_time_max{5'000};   ///< Of an append that hangs; then its commands are answered: unavailable.
  Place snapshot_every = 500'000;  ///< Events between snapshots at least; more when the state is large.
  std::chrono::microseconds snapshot_slice{1'000};  ///< For so long a snapshot holds up a group at most.
  bool may_write = true;  ///< False: only follows a log that others write, and sends them its commands.
  LogId new_log{};        ///< The id of a log that has none yet; none: a random one.
  WatchSettings watch;    ///< Of a log that several processes write.
  SenderSettings sender;
  SequencerSettings sequencer;
  Failpoint failpoint;  ///< For tests alone.
};

/// Numbers for /metrics; any thread.
struct GateCounters {
  std::atomic<std::uint64_t> accepted{0}, voided{0}, commits{0}, events{0}, oversell_prevented{0},
      failed_commits{0}, clock_alarms{0}, open_orders{0};
  TimeHistogram commit_times;  ///< Of one group: written and synced.
  TimeHistogram queue_times;   ///< Of a command: until it is decided.
};

/// A payment or a refund that is open at a start.
struct OpenPaymentFound {
  OrderId order;
  UserId user;
  AttemptId attempt;
  bool refund = false;
};

/// What the gate works with; all outlive it.
struct GateParts {
  Log& log;
  OrderRecords& records;
  RecordFold& fold;
  SnapshotStore& snapshots;
  ReadOverlay& overlay;
  Projector& projector;
  ProductTable& products;
  KeyFilter& keys;
  const Clock& clock;
  std::function<std::uint64_t()> random;  ///< For terms and the id of a new log.
  /// `log`, when others write it too: then the gate follows it, and writes only while nobody else does.
  SharedLog* shared = nullptr;
  /// To the other instances; null: while this one does not write, it refuses.
  CommandLink* link = nullptr;
};

class LogGate final : public SaleGate {
 public:
  /// Reads snapshot, log and records. Throws std::runtime_error with one clear line.
  LogGate(GateParts parts, GateSettings settings);
  ~LogGate() override { stop(); }

  /// Where this instance does not write, the command goes to the one that does.
  Task<Submitted> submit(Command command) override;

  /// Told of every event that counts from start() on. Before start().
  void add_follower(LogFollower& follower) { followers_.push_back(&follower); }
  /// Where the log ends. Before start().
  const LogEnd& end_at_start() const { return sequencer_.end(); }
  /// As the log is now. Before start().
  std::vector<OpenPaymentFound> open_payments() const;
  void start();
  /// Commits what is queued, then ends the thread.
  void stop();

  const GateCounters& counters() const { return counters_; }
  Place place() const { return place_.load(std::memory_order_acquire); }
  int waiting() const { return waiting_.load(std::memory_order_relaxed); }
  std::uint64_t snapshots_made() const { return snapshot_writer_.made(); }
  /// The place of the snapshot that the start began with; 0: the log was read from its beginning.
  Place started_from() const { return started_from_; }
  /// For how long nothing could be sold: the log cannot be written, or an append hangs.
  Millis unable_for() const;
  /// False: nothing can be sold, since the log cannot be written.
  bool writes() const { return writes_.load(std::memory_order_acquire); }
  bool decides_here() const override { return writes(); }
  /// How long ago the log gave a sign of life; of a log that others write.
  Millis silent_for() const;
  /// Waits until this instance has followed the log as it is now: then it may say that something is not
  /// there. Blocks; any thread. Errors: unavailable: Kafka does not answer, or it is too far behind.
  Result<> follow_to_now(Millis longest) const;
  /// Whose log it is; none: nobody has ever written it. Any thread.
  LogId log() const;
  /// What another instance has shown of places that were not followed here yet: shown until the log has come
  /// so far, or comes to its end again. Any thread.
  void show_ahead(std::vector<StockLine> lines);
  /// Another instance has written since the start.
  bool hears_another() const { return hears_another_.load(std::memory_order_relaxed); }
  /// Why this instance may not write: its clock, by what the log says. Empty: it may. Any thread.
  std::string clock_trouble() const;
  /// Commands that wait for another instance's word.
  std::size_t waiting_elsewhere() const { return remote_ ? remote_->waiting() : 0; }

 private:
  struct Pending;
  using Batch = std::vector<Pending*>;

  // gate_queue.cpp
  Task<Submitted> decide_here(Command command, wire::Term only_in);
  void push(Pending& pending);
  Task<> look_up(Pending& pending);
  Millis sleep_time(Instant now) const;
  void take_queue(Batch& batch);
  void resume(std::span<Pending* const> batch);
  void refuse_all(std::span<Pending* const> batch, const Error& error);
  void refuse_or_replay(std::span<Pending* const> batch);
  void refuse_queue(const Error& error);

  // gate_watch.cpp: a disk that hangs.
  void begin_flight(std::span<Pending* const> batch, Instant now);
  bool end_flight();
  void watch_appends();
  void watch_silence();
  void note_unable(Instant now);

  // gate.cpp
  void run();
  void process(std::span<Pending* const> batch, Instant now);
  void decide_some(std::span<Pending* const> batch, std::size_t& done, Instant now);
  bool decide(Pending& pending, Instant now);
  void settle(Pending& pending, Sequencer::Outcome outcome);
  Result<> commit(std::span<Pending* const> decided);
  void answer_events(std::span<Pending* const> decided, const CountedEvents& events);
  void show(const CountedEvents& events);
  bool too_far_ahead() const;

  // gate_start.cpp
  void recover();
  LogRule::Point restore_snapshot(Place records_at);
  std::vector<OrderId> lost_orders_of_snapshot();
  /// Becomes the writer (again): reads what is really in the log, then opens a term.
  void try_to_write(Instant now);
  void name_records();
  void say_again_rarely(const std::string& trouble);
  Instant last_alive() const;
  bool grant_grace(Instant sign_of_life, Instant now);

  // gate_shared.cpp
  Result<CountedEvents> follow_one(Offset offset, std::string_view record);
  void follow_others(Instant now);
  Result<CountedEvents> read_back(Offset through);
  void give_sign_of_life(Instant now);
  void lose_log(const Error& why);
  void leave();
  void watch_clock(Instant now);
  Result<> ask_clock(Instant now);
  bool has_right_clock(Instant now);
  bool should_try_to_write(Instant now) const;
  void stop_writing();
  void note_term();
  void note_opened(Instant now);
  void note_heard(Instant now);
  void show_what_is_ahead();
  void hand_on(std::span<Pending* const> batch, bool decided);

  // Snapshots, in slices between groups.
  void snapshot_if_due();
  void give_memory_back();

  GateParts parts_;
  const GateSettings settings_;
  GateCounters counters_;
  std::vector<LogFollower*> followers_;

  // The queue: a stack that I/O threads push on and the writer takes whole.
  std::atomic<Pending*> queue_{nullptr};
  std::atomic<int> waiting_{0};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  std::mutex sleep_mutex_;
  std::condition_variable wake_;

  // The writer thread's own.
  Sequencer sequencer_;
  WriterWatch watch_;
  wire::Term term_ = 0;
  bool log_lost_ = false;
  std::size_t last_batch_size_ = 0;
  Error last_failure_{Code::recovering, "the log is being read"};
  LineLimit said_;
  Instant next_try_{};
  Instant clock_asked_{};     ///< When its witness was last asked; while this instance does not write.
  bool clock_known_ = false;  ///< The witness has answered.
  Instant sign_of_life_{};    ///< Of the writer before this start, until the grace for that pause is logged.
  LogId records_of_;          ///< What the records were named when they were first read.
  bool records_named_ = false;
  std::optional<SnapshotCopy> copy_;
  Place snapshot_at_ = 0;
  Place started_from_ = 0;
  Place memory_given_back_at_ = 0;
  std::atomic<Place> place_{0};
  std::atomic<bool> writes_{false};
  std::unique_ptr<RemoteGate> remote_;
  wire::Term noted_term_ = 0;
  std::atomic<bool> log_away_{false};    ///< It could not be read when it was last tried.
  std::atomic<bool> log_silent_{false};  ///< Of a shared one: nothing can be written now.
  std::atomic<Offset> followed_{1};      ///< The offset of the next record, as others may know it.
  std::atomic<bool> hears_another_{false};
  mutable std::mutex shared_mutex_;
  LogId log_;                     ///< As others may know it.
  std::vector<StockLine> ahead_;  ///< To be shown.
  std::atomic<bool> has_ahead_{false};
  bool heard_since_ahead_ = false;
  std::atomic<std::int64_t> heard_at_{0};      ///< Milliseconds of the clock.
  std::atomic<std::int64_t> unable_since_{0};  ///< Milliseconds of the clock; 0: the log can be written.

  // While the writer is at the log, its batch may be taken from it.
  std::mutex flight_mutex_;
  std::span<Pending* const> flight_;
  bool flying_ = false, watching_ = true;
  std::atomic<std::int64_t> flying_since_{0};  ///< As unable_since_; 0: the writer is not at the log.
  std::atomic<bool> hanging_{false};           ///< Longer than answer_time_max.
  bool given_up_ = false;                      ///< The writer's own: its batch was taken.
  std::condition_variable watch_wake_;
  std::thread flight_watch_;
  SnapshotWriter snapshot_writer_;
  std::thread thread_;
};

}  // namespace market::sale

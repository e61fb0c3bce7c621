#pragma once
/// One process that follows the log and may write it, around the production's own Sequencer, ReadOverlay,
/// LayeredOrderReader, KeyFilter and SnapshotCopy. What it does itself is what a thread around them does:
/// wait, send, read, look up, fold; all of it in virtual time, all of it lost when it is killed.

#include <deque>
#include <map>
#include <memory>

#include "sale/order_reader.hpp"
#include "sale/product_table.hpp"
#include "sale/snapshot.hpp"
#include "sale/stock_publisher.hpp"
#include "sale/stock_reader.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/provider.hpp"
#include "tests/sim/sim_log.hpp"
#include "tests/sim/sim_records.hpp"
#include "tests/sim/sim_redis.hpp"

namespace market::sim {

class Instance;
/// What the instances of one sale share.
struct Shared {
  World& world;
  SimLog& log;
  SimRecords& records;
  SimRedis& redis;
  Checker& checker;
  std::vector<std::unique_ptr<Instance>>& instances;
  sale::SequencerSettings settings;
  std::uint64_t snapshots = 0, starts_from_snapshot = 0, undone = 0, look_ups = 0, shown_ahead = 0;
};

class Instance {
 public:
  static constexpr Millis answer_time_max{2'000};  ///< An older command is not decided.

  Instance(Shared& shared, int number);

  void start();
  void kill();
  void pause(Millis duration);
  /// From the log: nothing comes, and what it sends is lost.
  void cut_off(Instant until);
  /// Records take so long to it.
  void slow_down(Millis way) { slow_way_ = way; }
  bool is_cut_off() const { return shared_.world.now() < cut_off_until_; }
  bool alive() const { return alive_; }
  bool paused() const { return paused_; }
  bool writes() const { return alive_ && writer_; }
  int number() const { return number_; }

  void receive(RequestPtr request);
  /// GET of an order; `at_least`: the place of an event of it that the reader was told of. `read_index`: of
  /// the log when it was asked; a stale instance waits until it is there, so that it never denies what
  /// exists.
  void read(UserId user, OrderId order, Place at_least, Place read_index);
  /// The log has more to read.
  void notice();

  struct OpenPayment {
    AttemptId attempt;
    bool refund = false;
    UserId user;
    std::int64_t amount = 0;
  };
  /// As the events that count have left them.
  const std::map<OrderId, OpenPayment>& open_payments() const { return open_payments_; }

  /// Empty, or what is left over when all is quiet.
  std::string left_over(Place end) const;
  void step_wall(Millis by) { wall_offset_ += by; }

 private:
  struct Decided {
    RequestPtr request;
    sale::Sequencer::Outcome outcome;
  };
  struct Snapshot {
    std::string bytes, filter;
    std::vector<std::pair<RequestKey, Instant>> keys;
  };
  /// What dies with the process.
  struct Memory {
    Memory(const sale::SequencerSettings& settings, OrderRecords& records)
        : sequencer(settings, keys), reader(overlay, records) {}
    sale::KeyFilter keys;
    sale::Sequencer sequencer;
    sale::ReadOverlay overlay;
    sale::LayeredOrderReader reader;
  };
  /// What it shows of the stock; what it has sent to Redis outlives it.
  struct Stock {
    explicit Stock(Instance& of);
    sale::KeyFilter keys;
    sale::ProductTable table;
    sale::StockPublisher publisher;
    sale::StockReader reader;
    bool publishing = false, looking = false;
  };
  sale::Sequencer& sequencer() { return memory_->sequencer; }
  const sale::Sequencer& sequencer() const { return memory_->sequencer; }
  Instant clock() const { return shared_.world.now() + skew_; }
  bool bug(Bug which) const { return shared_.world.bug == which; }
  /// In this life of the process; waits while it is paused.
  void after(Millis delay, std::function<void()> action);

  // instance_start.cpp
  bool restore();
  void replay_log();
  void take_payments_over();
  void snapshot();
  void save_copy();

  // instance_stock.cpp
  sale::PublisherParts publisher_parts(const sale::ProductTable& table);
  sale::StockReaderParts reader_parts();
  void load_stock();
  void show_stock(const CountedEvents& events);
  void show_ahead(const std::vector<StockLine>& lines);
  void end_ahead();
  void check_stock();
  void tell_stock();
  std::string stock_left_over() const;

  // Following.
  Millis until_next() const;
  void tail();
  void follow_one(Offset offset, const std::string& record);
  std::string perturbed(const std::string& record) const;
  void opened();
  void deliver(const CountedEvents& events);
  void follow_payments(const CountedEvent& counted);
  void fold();
  void learn_place(Place place);

  // Writing: instance_writer.cpp
  void tick();
  void open_if_silent();
  void open();
  void opened_alone(const Result<Offset>& offset, const std::string& record);
  void grant_grace();
  void wake();
  void work();
  bool decide(const RequestPtr& request);
  sale::Sequencer::Outcome decide_on(const Request& request, const Command& command);
  void void_stale();
  void look_up(RequestPtr request, sale::Sequencer::Missing missing);
  void produce(std::string record);
  void send();
  void resend();
  void appended(const Result<Offset>& offset);
  void answer_batch(const CountedEvents& events);
  void answer(const Decided& decided, const CountedEvents& events);
  void reply(const RequestPtr& request, Answer answer);
  /// Of the group in flight, and of what waits behind it.
  void drop(Answer::Kind batch, Answer::Kind queue);
  bool is_shown_sold_out(const Command& command) const;
  void forget_an_entry(const std::vector<Event>& taken_back);

  Shared& shared_;
  const int number_;
  bool alive_ = false, paused_ = false, writer_ = false, recovering_ = false;
  std::uint64_t life_ = 0;
  std::vector<std::function<void()>> deferred_;
  Millis skew_{}, wall_offset_{};
  Instant cut_off_until_{};
  Millis slow_way_{};  ///< From the log, for each record.
  std::unique_ptr<Memory> memory_;
  std::shared_ptr<Stock> stock_;
  std::optional<Snapshot> saved_;  ///< On its disk.

  bool tailing_ = false, waking_ = false, folding_ = false, opening_ = false;
  Instant heard_{}, heard_record_{}, sent_at_{}, asked_at_{}, sign_of_life_{};
  wire::Term nonce_ = 0;
  std::deque<RequestPtr> queue_;
  std::vector<Decided> batch_;
  std::deque<CountedEvents> unfolded_;
  Place recorded_ = 0;
  std::map<OrderId, OpenPayment> open_payments_;
  std::map<ProductId, std::int64_t> stock_before_;  ///< Before the batch, for the bug that decides on it.

  std::unique_ptr<sale::SnapshotCopy> copy_;
  std::string copied_;
  std::size_t keys_at_copy_ = 0;
  std::vector<std::pair<RequestKey, Instant>> bound_;
};

}  // namespace market::sim

#include "sale/sale_gate.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <deque>
#include <future>
#include <mutex>

#include "sale/order_reader.hpp"
#include "tests/support/test_records.hpp"

namespace market::sale {
namespace {

/// Time that the test moves.
struct TestClock final : Clock {
  Instant now() const override { return Instant(Millis(millis.load())); }
  void advance(Millis by) { millis += by.count(); }
  std::atomic<std::int64_t> millis{1'800'000'000'000};
};

/// The log as a vector; the next append can be made to fail, with the events kept or lost.
class TestLog final : public EventLog {
 public:
  enum class Fault { none, unknown_but_kept, unknown_and_lost, full };
  Result<Place> append(std::span<const Event> events) override {
    const std::scoped_lock lock(mutex_);
    const Fault fault = next_fault.exchange(Fault::none);
    if (fault == Fault::full) return fail(Code::insufficient_storage, "full");
    if (fault != Fault::unknown_and_lost) events_.insert(events_.end(), events.begin(), events.end());
    if (fault != Fault::none) return fail(Code::unavailable, "unknown");
    return static_cast<Place>(events_.size());
  }
  Result<Place> reopen() override { return end(); }
  Result<Place> end() override {
    const std::scoped_lock lock(mutex_);
    return static_cast<Place>(events_.size());
  }
  Result<Place> begin() override { return 0; }
  Result<> read(Place after, const std::function<bool(Place, const Event&)>& each) override {
    std::vector<Event> copy;
    {
      const std::scoped_lock lock(mutex_);
      copy = events_;
    }
    for (auto at = static_cast<std::size_t>(after); at < copy.size(); ++at)
      if (!each(static_cast<Place>(at) + 1, copy[at])) break;
    return {};
  }
  Result<> trim(Place) override { return {}; }
  std::atomic<Fault> next_fault{Fault::none};

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
};

struct TestSnapshots final : SnapshotStore {
  Result<std::optional<std::string>> load() override { return bytes; }
  Result<> store(const std::string& fresh) override {
    bytes = fresh;
    return {};
  }
  std::optional<std::string> bytes;
};

/// A gate that can be killed and started again on the same log and records.
class SaleGateTest : public testing::Test {
 protected:
  struct Running {
    Running(SaleGateTest& t, GateSettings settings)
        : live(keys),
          folder(
              t.records, overlay, *t.records.position(),
              RecordFolder::Settings{.batch_orders_max = 100, .linger = Millis(1), .retry_after = Millis(5)}),
          gate(GateParts{t.log, t.records, t.records, t.snapshots, overlay, folder, live, keys, t.clock},
               settings),
          reader(overlay, t.records) {
      gate.start();
    }
    KeyFilter keys;
    OrderOverlay overlay;
    LiveStockTable live;
    RecordFolder folder;
    MemorySaleGate gate;
    LayeredOrderReader reader;
  };

  void SetUp() override { start(); }
  void start() {
    GateSettings settings;
    settings.forget_after = Millis(0);
    settings.reopen_after = Millis(1);
    running = std::make_unique<Running>(*this, settings);
  }
  void restart() {
    running.reset();
    start();
  }

  /// Outlives the gate, as in a server: its thread may still be inside post() when the answer is there.
  asio::io_context& context() {
    const std::lock_guard lock(contexts_mutex);
    return contexts.emplace_back();
  }
  template <class T>
  Result<T> wait_for(Task<T> task) {
    asio::io_context& io = context();
    auto answer = asio::co_spawn(io, std::move(task), asio::use_future);
    io.run();
    return answer.get();
  }
  Result<Submitted> submit(Command command) { return wait_for(running->gate.submit(std::move(command))); }

  void list(std::int64_t stock, std::optional<std::int32_t> limit = {}) {
    ProductTerms terms;
    terms.price.amount = 1000;
    terms.kind = ProductKind::event;
    terms.sale = Sale{clock.now() - Millis(1), std::nullopt, limit};
    ASSERT_TRUE(submit(ListProduct{product, terms, stock}));
  }
  PlaceOrder order_of(std::int64_t user, std::uint64_t key, std::uint64_t body = 1,
                      std::int32_t quantity = 1) {
    PlaceOrder place;
    place.order = OrderId{++orders_made};
    place.user = UserId{user};
    place.key =
        key == 0 ? RequestKey{} : RequestKey{static_cast<std::uint64_t>(user) * 0x9E3779B97F4A7C15ull, key};
    place.body_fingerprint = body;
    place.payment_window = Millis(600'000);
    place.lines.push_back(WantedLine{product, quantity});
    return place;
  }
  void wait_until_folded() {
    for (int i = 0; i < 2000 && running->folder.position() != running->gate.log_position(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(running->folder.position(), running->gate.log_position());
  }
  std::int64_t remaining() const { return running->live.find(product)->live->remaining.load(); }

  const ProductId product{77};
  std::atomic<std::int64_t> orders_made{100};
  std::mutex contexts_mutex;
  std::deque<asio::io_context> contexts;
  TestClock clock;
  TestLog log;
  tests::TestRecords records;
  TestSnapshots snapshots;
  std::unique_ptr<Running> running;
};

TEST_F(SaleGateTest, SellsExactlyWhatIsThere) {
  list(3);
  for (int i = 1; i <= 3; ++i) {
    const auto sold = submit(order_of(i, 0));
    ASSERT_TRUE(sold);
    EXPECT_EQ(sold->order->lines[0].ticket, i);
  }
  EXPECT_EQ(submit(order_of(4, 0)).error().code, Code::sold_out);
  EXPECT_EQ(remaining(), 0);
}

TEST_F(SaleGateTest, AnswersAnAdjustmentWithTheStockEvenWhenNothingChanges) {
  list(3);
  ASSERT_TRUE(submit(order_of(1, 0)));
  for (const std::int64_t delta : {2, 0}) {
    const auto adjusted = submit(AdjustStock{product, delta, "counted"});
    ASSERT_TRUE(adjusted && adjusted->stock);
    EXPECT_EQ(adjusted->stock->remaining, 4);
    EXPECT_EQ(adjusted->stock->capacity, 5);
  }
}

TEST_F(SaleGateTest, ACrowdOnManyThreadsGetsEachUnitOnce) {
  list(500);
  constexpr int threads = 4, each = 300;
  std::atomic<int> sold{0}, sold_out{0};
  std::vector<std::thread> crowd;
  for (int t = 0; t < threads; ++t)
    crowd.emplace_back([&, t] {
      asio::io_context& io = context();
      for (int i = 0; i < each; ++i) {
        PlaceOrder place = order_of(1000 * t + i + 1, 0);
        place.order = OrderId{100'000 * (t + 1) + i};
        asio::co_spawn(io, running->gate.submit(place),
                       [&](std::exception_ptr, Result<Submitted> answer) { (answer ? sold : sold_out)++; });
      }
      io.run();
    });
  for (auto& thread : crowd) thread.join();
  EXPECT_EQ(sold, 500);
  EXPECT_EQ(sold_out, threads * each - 500);
  EXPECT_EQ(remaining(), 0);
}

TEST_F(SaleGateTest, TheSameKeyIsTheSameOrderBeforeAndAfterTheRecordsHaveIt) {
  list(10);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  const auto again = submit(order_of(1, 5));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->order->id, first->order->id);
  EXPECT_EQ(submit(order_of(1, 5, 2)).error().code, Code::idempotency_mismatch);

  ASSERT_TRUE(
      submit(CancelOrder{first->order->id, UserId{1}}));  // Nothing is open any more: it is forgotten.
  wait_until_folded();
  ASSERT_TRUE(submit(order_of(2, 6)));
  ASSERT_TRUE(submit(order_of(3, 7)));
  const auto late = submit(order_of(1, 5));
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->replayed);
  EXPECT_EQ(late->order->state, OrderState::cancelled);
  EXPECT_EQ(submit(order_of(1, 5, 2)).error().code, Code::idempotency_mismatch);
  EXPECT_EQ(remaining(), 8);
}

TEST_F(SaleGateTest, EverythingSurvivesARestart) {
  list(5, 1);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  restart();
  EXPECT_EQ(remaining(), 4);
  EXPECT_EQ(submit(order_of(1, 9)).error().code, Code::limit_exceeded);
  const auto replay = submit(order_of(1, 5));
  ASSERT_TRUE(replay);
  EXPECT_EQ(replay->order->id, first->order->id);
  const auto second = submit(order_of(2, 5));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->order->lines[0].ticket, 2);
}

TEST_F(SaleGateTest, ASnapshotAndTheTailAreTheWholeLog) {
  list(5, 2);
  ASSERT_TRUE(submit(order_of(1, 5)));
  ASSERT_TRUE(submit(CancelOrder{submit(order_of(2, 6))->order->id, UserId{2}}));
  wait_until_folded();
  ASSERT_TRUE(make_snapshot(log, snapshots, records, *records.position()));
  ASSERT_TRUE(submit(order_of(3, 7, 1, 2)));
  restart();
  ASSERT_TRUE(snapshots.bytes);
  EXPECT_EQ(remaining(), 2);
  EXPECT_TRUE(submit(order_of(2, 6))->replayed);
  EXPECT_EQ(submit(order_of(3, 8, 1, 1)).error().code, Code::limit_exceeded);
  EXPECT_EQ(submit(order_of(4, 9))->order->lines[0].ticket, 4);
}

TEST_F(SaleGateTest, MoneyOwedBackIsRememberedByAStartThatFindsItOnlyInTheRecords) {
  list(5);
  const auto placed = submit(order_of(1, 5));
  ASSERT_TRUE(placed);
  const OrderId order = placed->order->id;
  ASSERT_TRUE(submit(StartPayment{order, UserId{1}, AttemptId{9}}));
  ASSERT_TRUE(submit(SettlePayment{order, AttemptId{9}, PaymentOutcome::captured}));
  ASSERT_TRUE(submit(CancelOrder{order, UserId{1}}));
  wait_until_folded();
  RecoverFrom from{log, snapshots, records, *records.position(), *log.end()};
  KeyFilter keys;
  const auto recovered = recover(from, keys);
  ASSERT_TRUE(recovered);
  ASSERT_TRUE(recovered->state.orders.contains(order));
  EXPECT_EQ(recovered->state.orders.at(order)->payment, PaymentState::refunding);
  ASSERT_TRUE(make_snapshot(log, snapshots, records, from.records_at));
  ASSERT_TRUE(submit(SettlePayment{order, AttemptId{9}, PaymentOutcome::refunded}));
  wait_until_folded();
  from.records_at = from.until = *log.end();
  EXPECT_FALSE(recover(from, keys)->state.orders.contains(order));
}

TEST_F(SaleGateTest, AnUnpaidOrderExpiresAndItsUnitIsSoldAgain) {
  list(1);
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  clock.advance(Millis(600'001));
  Result<Submitted> next = fail(Code::sold_out, "");
  for (int i = 0; i < 100 && !next; ++i) {
    next = submit(order_of(2, 6));
    if (!next) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(next);
  EXPECT_EQ((*wait_for(running->reader.find(UserId{1}, first->order->id)))->state, OrderState::expired);
}

TEST_F(SaleGateTest, AnUnknownCommitIsDecidedByTheLog) {
  list(3);
  for (const auto fault : {TestLog::Fault::unknown_but_kept, TestLog::Fault::unknown_and_lost}) {
    log.next_fault = fault;
    const std::uint64_t key = fault == TestLog::Fault::unknown_but_kept ? 5 : 6;
    EXPECT_EQ(submit(order_of(1, key)).error().code, Code::unavailable);
    Result<Submitted> retried = fail(Code::recovering, "");
    for (int i = 0; i < 200 && !retried && retried.error().code == Code::recovering; ++i) {
      retried = submit(order_of(1, key));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_TRUE(retried);
    EXPECT_EQ(retried->replayed, fault == TestLog::Fault::unknown_but_kept);
  }
  EXPECT_EQ(remaining(), 1);
  EXPECT_EQ((*wait_for(running->reader.list(UserId{1}, OrderFilter{}))).size(), 2u);
}

TEST_F(SaleGateTest, AFullDiskSellsNothingAndHealsItself) {
  list(2);
  log.next_fault = TestLog::Fault::full;
  EXPECT_EQ(submit(order_of(1, 5)).error().code, Code::insufficient_storage);
  Result<Submitted> retried = fail(Code::recovering, "");
  for (int i = 0; i < 200 && !retried; ++i) {
    retried = submit(order_of(1, 5));
    clock.advance(Millis(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_TRUE(retried);
  EXPECT_FALSE(retried->replayed);
  EXPECT_EQ(remaining(), 1);
}

TEST_F(SaleGateTest, OrdersAreSeenAtOnceWhileTheRecordsAreAway) {
  list(2);
  records.fail_next = 1'000'000;
  const auto first = submit(order_of(1, 5));
  ASSERT_TRUE(first);
  EXPECT_EQ((*wait_for(running->reader.find(UserId{1}, first->order->id)))->id, first->order->id);
  EXPECT_EQ((*wait_for(running->reader.list(UserId{1}, OrderFilter{}))).size(), 1u);
  EXPECT_EQ(wait_for(running->reader.find(UserId{2}, first->order->id)).error().code, Code::order_not_found);
  records.fail_next = 0;
  wait_until_folded();
  EXPECT_EQ((*wait_for(running->reader.list(UserId{1}, OrderFilter{}))).size(), 1u);
}

}  // namespace
}  // namespace market::sale

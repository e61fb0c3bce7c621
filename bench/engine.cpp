// The sequencer alone, without log, records or HTTP: memory and processor time per order, unpaid with one
// line and with four, and paid, up to ten million. `./dev bench engine [ORDERS]` writes bench/engine.md.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "base/memory.hpp"
#include "tests/support/test_writer.hpp"

namespace {

using namespace market;

constexpr int group = 256;

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * 4096;
}

/// A log that keeps nothing, and records that have everything at once.
class Shop {
 public:
  explicit Shop(int lines) : lines_(lines) {
    const std::string open = sequencer_.open(7, tests::test_log, now_, {}, {});
    if (!sequencer_.follow(1, open)) std::abort();
    for (int i = 0; i < lines; ++i) {
      auto outcome = decide(ListProduct{tests::event_terms(), {"shoes", {}, {}, {}}, 1'000'000'000});
      products_.push_back(ProductId{outcome.subject});
      commit();
    }
  }
  void buy(std::int64_t first_user, bool pay) {
    std::vector<OrderId> orders;
    for (int i = 0; i < group; ++i) {
      PlaceOrder wanted;
      wanted.user = UserId{first_user + i};
      wanted.payment_window = std::chrono::hours(20);
      for (const ProductId product : products_) wanted.lines.push_back(WantedLine{product, 1});
      Command command(wanted);
      command.key = RequestKey{static_cast<std::uint64_t>(first_user + i) * 0x9E3779B97F4A7C15ull, 1};
      orders.push_back(OrderId{decide(command).subject});
    }
    commit();
    if (!pay) return;
    for (int i = 0; i < group; ++i)
      decide(StartPayment{orders[static_cast<std::size_t>(i)], UserId{first_user + i}});
    commit();
    for (const OrderId order : orders)
      decide(SettlePayment{order, sequencer_.state().orders.attempt_of(order), PaymentOutcome::captured});
    commit();
  }

 private:
  sale::Sequencer::Outcome decide(const Command& command) {
    auto outcome = sequencer_.decide(command, {}, now_);
    if (outcome.missing == sale::Sequencer::Missing::key) {  // A false hit of the filter.
      sale::LookedUp nothing;
      nothing.key_as_of = sequencer_.end().point.last;
      outcome = sequencer_.decide(command, nothing, now_);
    }
    if (outcome.event < 0) std::abort();  // Every command of this shop leads to an event.
    return outcome;
  }
  void commit() {
    sequencer_.seal();
    sequencer_.counted(next_++);
    sequencer_.forget(sequencer_.end().point.last);
  }
  const int lines_;
  sale::KeyFilter keys_;
  sale::Sequencer sequencer_{{}, keys_};
  Instant now_ = tests::at(0);
  Offset next_ = 2;
  std::vector<ProductId> products_;
};

void measure(std::string_view what, int lines, bool pay, std::int64_t orders) {
  const double before = resident_bytes();
  Shop shop(lines);
  std::int64_t done = 0;
  for (std::int64_t step = 10'000; step <= orders; step *= 10) {
    const double began = cpu_seconds();
    const std::int64_t from = done;
    for (; done < step; done += group) shop.buy(done + 1, pay);
    const auto count = static_cast<double>(done - from);
    fmt::print("| {} | {} | {:.2f} | {:.1f} |\n", what, done, 1e6 * (cpu_seconds() - began) / count,
               (resident_bytes() - before) / static_cast<double>(done));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::string_view what = arguments[1];
  const std::int64_t orders = std::atoll(arguments[2]);
  if (what == "paid")
    measure("paid, one line", 1, true, orders);
  else
    measure(what == "four" ? "unpaid, four lines" : "unpaid, one line", what == "four" ? 4 : 1, false,
            orders);
}

#pragma once
/// Watches one sale from outside: the log as everybody can see it, and what buyers were told. Log invariants
/// by the domain's Audit, which folds the whole log anew; answers by plain maps of what held at which place.

#include <fmt/format.h>

#include <map>
#include <set>

#include "domain/sale/apply.hpp"
#include "domain/sale/audit.hpp"
#include "ports/shared_stock.hpp"
#include "sale/sequencer.hpp"
#include "tests/sim/world.hpp"

namespace market::sim {

class SimRecords;
class SimRedis;
class Provider;

struct Answer {
  enum class Kind : std::uint8_t {
    event,      ///< The command made it, and it counts.
    replayed,   ///< The key was bound before.
    unchanged,  ///< Nothing to do.
    refused,
    not_taken,  ///< Certainly nothing happened: ask again.
    unknown,    ///< It may have happened.
  } kind = Kind::unknown;
  Code code = Code::internal;
  std::int64_t subject = 0;
  std::shared_ptr<const CountedEvent> event;
};

/// What somebody wants once, however often it is sent.
struct Ask {
  Command command;
  UserId user;
  RequestKey request;  ///< Of its copies.
  std::uint32_t copies = 0;
  bool begun = false, done = false, refused = false;
  int effects = 0;
  std::int64_t subject = 0;  ///< What it was told that it made.
  Instant begun_at{};
  Place place_before = 0;  ///< Everybody could see so much when it was first sent.
  std::int64_t ticket_before = 0;
  std::function<void(const Answer&)> finally;
};
using AskPtr = std::shared_ptr<Ask>;

/// One sending of it.
struct Request {
  AskPtr ask;
  Command command;
  Instant sent{};
  Place place_before = 0;
  int instance = 0;
  sale::LookedUp looked_up;
  std::function<void(const Answer&)> answer;
};
using RequestPtr = std::shared_ptr<Request>;

class Checker {
 public:
  explicit Checker(World& world) : world_(world) {}
  static constexpr Millis return_window{700}, attempt_bound{300};
  World& world() { return world_; }

  // ---- The log ----
  void see(Offset offset, const std::string& record);
  void followed(int instance, Offset offset, const sale::Sequencer& sequencer);
  void folded(const SimRecords& records, Place from);
  void board_shows(const StockLine& line);
  void board_lost() { board_.clear(); }
  /// By an instance that has followed to `place`.
  void stock_is_shown(int instance, ProductId id, std::int64_t remaining, Place place);
  std::int64_t remaining(ProductId id) const { return remaining_.at(id).back().second; }
  /// `at_least`: an event of the order that the reader was told of.
  void read(int instance, OrderId id, const Result<OrderPtr>& answer, Place at_least);

  // ---- Answers ----
  void begins(Ask& ask);
  void sends(Request& request);
  /// As it leaves the server.
  void answered(const Request& request, const Answer& answer);
  /// As it ends the asking.
  void heard(Ask& ask, const Answer& answer);

  void finish(const SimRecords& records, const SimRedis& redis, const Provider& provider);

  const Audit& audit() const { return audit_; }
  Place place() const { return audit_.place(); }
  std::uint64_t term() const { return term_; }
  std::uint64_t counted_opens() const { return opens_; }
  std::uint64_t ghosts() const { return ghosts_; }
  std::uint64_t refused_events() const { return refused_events_; }
  const CountedEvent& event_at(Place place) const { return *events_[static_cast<std::size_t>(place - 1)]; }

 private:
  struct Point {
    Place place = 0;
    std::uint64_t term = 0, hash = 0;
  };
  template <class Value>
  using History = std::vector<std::pair<Place, Value>>;
  struct OrderView {
    OrderState state;
    PaymentState payment;
    Instant pay_by;
    Instant updated_at;
  };
  struct TermsView {
    std::int64_t version;
    ProductTerms terms;
  };

  bool counts(const wire::Record& record);
  void count(const std::shared_ptr<const CountedEvent>& counted);
  void count_command(const Event& event);
  void count_order(const CountedEvent& counted, const Order* before);
  void remember(const CountedEvent& counted);
  std::optional<Order> order_at(OrderId id, Place place) const;
  bool true_at(const Command& command, Code code, Place place, Instant from) const;
  bool order_refused_at(const PlaceOrder& wanted, Code code, Place place, Instant from) const;
  void check_event(const Request& request, const Answer& answer);

  World& world_;
  Audit audit_{attempt_bound};
  SaleState reference_;
  Place last_ = 0;
  std::uint64_t term_ = 0, opens_ = 0, ghosts_ = 0, refused_events_ = 0;
  LogId log_;
  Instant last_at_{};
  std::vector<Point> points_{Point{}};                       ///< By offset.
  std::vector<std::shared_ptr<const CountedEvent>> events_;  ///< By place.

  std::map<ProductId, History<std::int64_t>> remaining_;
  std::map<ProductId, Place> board_;  ///< Since something was last lost there.
  std::map<ProductId, History<TermsView>> terms_;
  std::map<std::pair<UserId, ProductId>, History<std::int64_t>> units_;
  std::map<OrderId, History<OrderView>> orders_;
  std::map<OrderId, std::vector<Place>> places_of_;
  std::map<RequestKey, std::int64_t> keys_;
  std::set<RequestKey> settled_;
  std::vector<AskPtr> asks_of_numbers_;  ///< By command number - 1.
  std::set<std::uint64_t> counted_numbers_, dead_numbers_;
  std::map<ProductId, std::int64_t> highest_ticket_heard_;
};

}  // namespace market::sim

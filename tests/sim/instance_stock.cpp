// What an instance shows of the stock: by its own log, through Redis to the others, and from there while its
// log is silent.
#include <boost/asio/co_spawn.hpp>
#include <limits>

#include "tests/sim/instance.hpp"

namespace market::sim {
namespace {

constexpr Millis silence{300};

}  // namespace

Instance::Stock::Stock(Instance& of)
    : table(keys, [](const ShownProduct&) { return nullptr; }),
      publisher(of.publisher_parts(table)),
      reader(of.reader_parts()) {}

/// What is asked after its death is answered as a dead process does: not at all.
sale::PublisherParts Instance::publisher_parts(const sale::ProductTable& table) {
  const auto lives = [this, life = life_] { return alive_ && life == life_; };
  return {shared_.redis,
          table,
          [this, lives] { return lives() ? sequencer().end().point.log : LogId{}; },
          [this, lives] { return lives() ? sequencer().end().point.last : Place{0}; },
          [this, lives] { return lives() && writer_; },
          [this] { return shared_.redis.connection(); },
          [](const std::string&) {},
          [this] { return std::chrono::steady_clock::time_point(shared_.world.now().time_since_epoch()); }};
}

sale::StockReaderParts Instance::reader_parts() {
  const auto lives = [this, life = life_] { return alive_ && life == life_; };
  return {shared_.redis,
          [this, lives] { return lives() ? sequencer().end().point.log : LogId{}; },
          [this, lives] {
            return lives() && !bug(Bug::ahead_is_behind) ? sequencer().end().point.last : Place{0};
          },
          [this, lives] { return lives() && !writer_ && clock() - heard_record_ > silence; },
          [this] { return shared_.redis.connection(); },
          [this, lives](std::vector<StockLine> lines) {
            if (lives()) after(Millis(0), [this, lines = std::move(lines)] { show_ahead(lines); });
          }};
}

void Instance::load_stock() {
  stock_ = std::make_shared<Stock>(*this);
  std::vector<RecordedProduct> known;
  for (const SaleProduct& product : sequencer().state().products) {
    RecordedProduct& recorded = known.emplace_back();
    recorded.id = product.id;
    recorded.terms = product.terms;
    recorded.stock = product.stock;
  }
  stock_->table.load(std::move(known));
}

void Instance::show_stock(const CountedEvents& events) {
  if (!bug(Bug::ahead_is_kept) || !stock_->table.shows_ahead())
    stock_->table.follow(*events, sequencer().state());
  stock_->publisher.follow(events);
  check_stock();
}

void Instance::show_ahead(const std::vector<StockLine>& lines) {
  if (writer_) return;
  stock_->table.show_ahead(lines, bug(Bug::ahead_is_behind) ? 0 : sequencer().end().point.last);
  if (stock_->table.shows_ahead()) ++shared_.shown_ahead;
  check_stock();
}

/// The log's end is here again: what was shown ahead of it is over.
void Instance::end_ahead() {
  if (!stock_->table.shows_ahead() || bug(Bug::ahead_is_kept)) return;
  stock_->table.end_ahead(std::numeric_limits<Place>::max(), sequencer().state());
  check_stock();
}

void Instance::check_stock() {
  const Place place = sequencer().end().point.last;
  for (const ShownProductPtr& each : *stock_->table.all())
    shared_.checker.stock_is_shown(number_, each->id, each->live->remaining, place);
}

/// What the threads around Redis do.
void Instance::tell_stock() {
  const auto begin = [this](bool& busy, auto work, auto... answer) {
    if (std::exchange(busy, true)) return;
    asio::co_spawn(shared_.world.context, std::move(work),
                   [stock = stock_, &busy](std::exception_ptr, decltype(answer)...) { busy = false; });
  };
  begin(stock_->publishing, stock_->publisher.publish(), true);
  if (!shared_.world.embedded) begin(stock_->looking, stock_->reader.look());
  shared_.world.context.restart();
  shared_.world.context.poll();
}

std::string Instance::stock_left_over() const {
  for (const ShownProductPtr& each : *stock_->table.all())
    if (each->live->remaining != shared_.checker.remaining(each->id))
      return "shows another stock than the log";
  return {};
}

}  // namespace market::sim

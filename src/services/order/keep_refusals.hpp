#pragma once
/// Writes down once a second which orders were refused, so that the report after a sale can tell of them.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/task_group.hpp"
#include "ports/product_board.hpp"
#include "ports/refusal_history.hpp"
#include "services/order/refusal_notes.hpp"

namespace market::order {

class KeepRefusals {
 public:
  /// Lives on `executor`, which runs on one thread.
  KeepRefusals(RefusalNotes& notes, RefusalHistory& history, const ProductBoard& board, const Clock& clock,
               asio::any_io_executor executor, Millis every = Millis(1'000))
      : notes_(notes),
        history_(history),
        board_(board),
        clock_(clock),
        executor_(executor),
        every_(every),
        timer_(executor) {}
  void start();
  /// Writes down what is left. Any thread but its own. False: longer than `longest`.
  bool stop(Millis longest = Millis(5'000));

 private:
  asio::awaitable<void> run();
  /// What cannot be written now is kept for the next time.
  asio::awaitable<void> write_down();
  asio::awaitable<void> forget_old();

  RefusalNotes& notes_;
  RefusalHistory& history_;
  const ProductBoard& board_;
  const Clock& clock_;
  asio::any_io_executor executor_;
  const Millis every_;
  asio::steady_timer timer_;
  std::atomic<bool> stopped_{false};
  Instant forget_at_{};
  TaskGroup tasks_{"the history of refusals"};
};

}  // namespace market::order

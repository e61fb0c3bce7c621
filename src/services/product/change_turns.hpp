#pragma once
/// Whose turn it is to change a product. Its terms go through the gate and its text to a database, so a
/// change takes a while; a second one waits here, and then finds the version of the first.

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <functional>
#include <mutex>

#include "base/id.hpp"
#include "base/task.hpp"

namespace market::product {

class ChangeTurns {
 public:
  static constexpr std::size_t turns_waiting_max = 64;  ///< Of one product.

  /// Ends with its life.
  class Turn {
   public:
    Turn(ChangeTurns& turns, ProductId product) : turns_(&turns), product_(product) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)), product_(other.product_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->pass_on(product_);
    }

   private:
    ChangeTurns* turns_;
    ProductId product_;
  };

  /// Waits for those before. Errors: overloaded, when `turns_waiting_max` are waiting.
  Task<Turn> take(ProductId product);

 private:
  void pass_on(ProductId product);

  std::mutex mutex_;
  /// A product that is here is being changed; who waits is told in the order of coming.
  boost::unordered_flat_map<ProductId, std::deque<std::function<void()>>> taken_;
};

}  // namespace market::product

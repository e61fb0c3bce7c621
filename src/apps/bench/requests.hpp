#pragma once
/// What the load generator sends: request number n of a run is always the same bytes, with its own user and
/// key.

#include <cstdint>
#include <string>
#include <vector>

namespace market::apps::load {

enum class Mode : std::uint8_t { get, buy, mixed };

struct RequestPlan {
  Mode mode = Mode::get;
  std::string host;                   ///< Of the Host field.
  std::string path;                   ///< Mode get; empty: the products in turn.
  std::vector<std::string> products;  ///< Ids, in turn.
  std::vector<std::string> tokens;    ///< Request n is from user (first_user + n) % tokens.
  std::uint64_t first_user = 0;
  std::string key_prefix;  ///< Of the idempotency keys, different in each run.
  int quantity = 1;
  int reads_per_buy = 9;  ///< Mode mixed.
};

class Requests {
 public:
  explicit Requests(RequestPlan plan);
  /// Appends the bytes of request `number`.
  void append(std::uint64_t number, std::string& out) const;

 private:
  void append_get(std::uint64_t number, std::string& out) const;
  void append_buy(std::uint64_t number, std::string& out) const;
  RequestPlan plan_;
  std::vector<std::string> gets_, bodies_;  ///< By product.
  std::string buy_head_;
};

}  // namespace market::apps::load

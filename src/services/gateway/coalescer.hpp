#pragma once
/// Equal anonymous reads that arrive in one turn of the loop share one upstream answer. One only joins a
/// request that has not left yet, so that nobody sees a state older than its own request. One per thread.

#include <boost/asio/use_awaitable.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client/upstream_call.hpp"
#include "http/message/ascii.hpp"
#include "http/server/io_thread.hpp"

namespace market::gateway {

class Coalescer {
 public:
  class Flight {
   public:
    Flight() = default;
    Flight(const Flight&) = delete;
    ~Flight() { land(std::nullopt); }
    /// Everybody who joined goes on, with a copy; nullopt: each must ask for itself.
    void land(std::optional<http::Reply> reply);
    /// Waits for land(); then `reply` says what came.
    auto join() {
      return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
          [this](auto handler) { joined_.emplace_back(std::move(handler)); }, asio::use_awaitable);
    }
    std::size_t joined_count() const { return joined_.size(); }
    std::optional<http::Reply> reply;
    bool landed = false;

   private:
    std::vector<http::CallWaiter> joined_;
  };
  static constexpr std::size_t joined_max = 1024;  ///< Of one flight.

  /// The flight to join, or null.
  std::shared_ptr<Flight> find(const std::string& key);
  /// A new one; others may join until this turn of the loop is over.
  std::shared_ptr<Flight> begin(const std::string& key, http::IoThread& thread);

 private:
  boost::unordered_flat_map<std::string, std::weak_ptr<Flight>> flights_;
};

/// Whether an answer to this request may be shared, and under which key; empty: it may not.
std::string coalescing_key(const http::Request& request);

/// Adds to `key` what an answer may depend on besides the target. False: this request has a body, or a field
/// that may say who asks, or of which nobody knows what it changes. `stream`: a Last-Event-ID is neither.
bool add_what_answers_depend_on(const http::Request& request, bool stream, std::string& key);

/// Whether these lines of an answer's head have something for one client alone.
bool sets_cookie(std::string_view lines);
/// The same without them.
std::string without_cookies(std::string_view lines);

}  // namespace market::gateway

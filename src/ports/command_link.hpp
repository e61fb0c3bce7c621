#pragma once
/// The way between instances that share a log: messages to an address, and to whoever sent one. Best effort:
/// what is lost is sent again, what comes twice is known (sale/command_sender.hpp).

#include <functional>
#include <string>

#include "base/task.hpp"

namespace market {

class CommandLink {
 public:
  using Reply = std::function<void(std::string)>;
  /// Called for each message that came: `reply` sends one back to its sender.
  using Receive = std::function<void(std::string message, const Reply& reply)>;

  virtual ~CommandLink() = default;
  /// Where others reach this instance.
  virtual std::string address() const = 0;
  /// Never blocks; any thread. What cannot be sent is dropped.
  virtual void send(const std::string& address, std::string message) = 0;
  /// `on_command`: of those that came to our address; `on_answer`: replies to what was sent. Both on the
  /// executor's one thread, until stop().
  virtual void start(Receive on_command, std::function<void(std::string)> on_answer) = 0;
  virtual void stop() = 0;
  virtual asio::any_io_executor executor() = 0;
};

}  // namespace market

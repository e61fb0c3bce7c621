#pragma once
/// Private to the gate: what stands in its queue.

#include "sale/gate.hpp"

namespace market::sale {

/// Of what was not decided yet.
inline Error log_is_silent() {
  return Error(Code::recovering, "the event log cannot be reached; nothing happened");
}

/// One submitted command, in the frame of its waiting coroutine.
struct LogGate::Pending {
  using Handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

  explicit Pending(Command& what) : command(what) {}
  Command& command;  ///< In the same frame.
  asio::any_io_executor executor;
  std::optional<Handler> handler;
  Pending* next = nullptr;
  std::chrono::steady_clock::time_point pushed;
  LookedUp looked_up;
  Sequencer::Missing missing = Sequencer::Missing::nothing;
  UserId buyer;            ///< Whose key is missing, where the command does not say it.
  wire::Term only_in = 0;  ///< Of another instance: decided in this term, or not here.
  int event = -1;          ///< Which one of the group answers it.
  Result<Submitted> answer = fail(Code::internal, "the gate has not answered");
};

}  // namespace market::sale

#pragma once
/// Private to the sale gate: what stands in its queue.

#include "sale/sale_gate.hpp"

namespace market::sale {

/// One submitted command, in the frame of its waiting coroutine.
struct MemorySaleGate::Pending {
  using Handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

  explicit Pending(Command& what) : command(what) {}
  Command& command;  ///< In the same frame.
  asio::any_io_executor executor;
  std::optional<Handler> handler;
  Pending* next = nullptr;
  Missing missing = Missing::nothing;
  OrderPtr recorded;    ///< What a look-up in the records found,
  Position as_of = -1;  ///< and how far the records were then.
  Result<Submitted> answer = fail(Code::internal, "the gate has not answered");
};

}  // namespace market::sale

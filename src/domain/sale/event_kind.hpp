#pragma once
/// The words by which mails, webhooks and public events name what happened.

#include <string>

#include "domain/sale/event.hpp"

namespace market {

/// `order.paid`; empty: it is about no order, or buyers and shops need not know.
std::string order_kind_of(const Fact& fact);

}  // namespace market

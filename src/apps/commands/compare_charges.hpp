#pragma once
/// The log's orders and the book of charges, compared: what `market check` says of money.

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>

#include "domain/sale/order.hpp"
#include "ports/charge_book.hpp"

namespace market::apps {

using AuditedOrders = boost::unordered_flat_map<OrderId, Order>;
using BookedCharges = boost::unordered_flat_map<AttemptId, Charge>;

/// Money that the log counts on must have been charged, and money that it gave back must be back. Both answer
/// what is wrong; empty: nothing.
std::string missing_charges(const AuditedOrders& orders, const BookedCharges& charges);
/// Money that was taken must pay an order, or be under way to one. The book may be newer than the log: what
/// that does not know of yet is passed over.
std::string unclaimed_charges(const AuditedOrders& orders, const BookedCharges& charges);

}  // namespace market::apps

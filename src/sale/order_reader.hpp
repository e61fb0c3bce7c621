#pragma once
/// ports/order_reader.hpp: the records with the overlay laid over them.

#include "ports/order_reader.hpp"
#include "sale/order_overlay.hpp"

namespace market::sale {

class LayeredOrderReader final : public OrderReader {
 public:
  LayeredOrderReader(const OrderOverlay& newer, OrderRecords& records) : newer_(newer), records_(records) {}
  Task<OrderPtr> find(UserId user, OrderId id) override;
  Task<std::vector<OrderPtr>> list(UserId user, OrderFilter filter) override;

 private:
  const OrderOverlay& newer_;
  OrderRecords& records_;
};

}  // namespace market::sale

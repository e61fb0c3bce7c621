#pragma once
/// ports/order_reader.hpp: the records with newer facts laid over them.

#include "ports/order_reader.hpp"
#include "sale/read_overlay.hpp"

namespace market::sale {

class LayeredOrderReader final : public OrderReader {
 public:
  LayeredOrderReader(const ReadOverlay& newer, OrderRecords& records) : newer_(newer), records_(records) {}
  Task<OrderPtr> find(UserId user, OrderId id) override;
  Task<FoundPage> list(UserId user, OrderFilter filter) override;

 private:
  const ReadOverlay& newer_;
  OrderRecords& records_;
};

}  // namespace market::sale

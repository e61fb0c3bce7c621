#pragma once
/// Live stock as server-sent events. One ticker per I/O thread serves all its streams and runs only while it
/// has some, comparing LiveProduct::version: an unchanged product costs one load per tick.

#include "http/message/message.hpp"
#include "services/product/catalogue.hpp"

namespace market::product {

class StockStreams {
 public:
  explicit StockStreams(const Catalogue& catalogue, const Clock& clock)
      : catalogue_(catalogue), clock_(clock) {}
  /// Writes `stock` and `state` events until the peer is gone or the product is withdrawn.
  Task<> serve(ProductId product, http::Stream& stream) const;

 private:
  const Catalogue& catalogue_;
  const Clock& clock_;
};

}  // namespace market::product

#pragma once
/// Live stock as server-sent events. One ticker per I/O thread serves all its streams and runs only while it
/// has some, comparing LiveStock::changes: an unchanged product costs one load per tick.

#include "http/message/message.hpp"
#include "services/product/catalogue.hpp"

namespace market::product {

class StockStreams {
 public:
  explicit StockStreams(const Catalogue& catalogue) : catalogue_(catalogue) {}
  /// `known`: the Last-Event-ID of a client that comes back; it hears nothing while that is still so.
  /// Writes `stock` and `state` events until the peer is gone or the product is withdrawn, or no longer
  /// public unless the caller may see it `hidden`.
  Task<> serve(ProductId product, bool hidden, std::string known, http::Stream& stream) const;

 private:
  const Catalogue& catalogue_;
};

}  // namespace market::product

#pragma once
/// Live stock as server-sent events. One ticker per I/O thread serves all its streams and runs only while it
/// has some, comparing LiveStock::changes: an unchanged product costs one load per tick.

#include "http/message/message.hpp"
#include "services/auth/authenticator.hpp"
#include "services/product/catalogue.hpp"

namespace market::product {

class StockStreams {
 public:
  StockStreams(const Catalogue& catalogue, const auth::Authenticator& authenticator)
      : catalogue_(catalogue), authenticator_(authenticator) {}
  /// `known`: the Last-Event-ID of a client that comes back; it hears nothing while that is still so.
  /// Writes `stock` and `state` events until the peer is gone or the product is withdrawn, or no longer
  /// public; for an `insider`, who may see it before, until what that rests on is over.
  Task<> serve(ProductId product, std::optional<wire::Identity> insider, std::string known,
               http::Stream& stream) const;

 private:
  const Catalogue& catalogue_;
  const auth::Authenticator& authenticator_;
};

}  // namespace market::product

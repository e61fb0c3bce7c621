#pragma once
/// Event products for load, which have been on sale for days, and the door by which a server that runs is
/// asked for them.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <vector>

#include "apps/commands/commands.hpp"
#include "base/time.hpp"
#include "domain/sale/command.hpp"
#include "http/client/client.hpp"
#include "wire/auth/access_token.hpp"

namespace market::apps {

std::vector<ProductId> seed_products(const SeedOptions& options, const Clock& clock,
                                     const std::function<ProductId(ListProduct)>& list);

/// A server of ours, by HTTP; whoever has its keys may do what an administrator may.
class Shop {
 public:
  /// Throws UsageError: `url` is none.
  Shop(const std::string& url, const wire::AccessTokens& tokens, const Clock& clock);
  /// Throws std::runtime_error.
  ProductId list(const ListProduct& product);

 private:
  const wire::AccessTokens& tokens_;
  const Clock& clock_;
  const UserId seller_;
  boost::asio::io_context io_{1};
  http::Client client_;
};

}  // namespace market::apps

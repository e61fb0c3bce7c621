#pragma once
/// ports/shared_limits.hpp in Redis: one hash a bucket, `market:limit:SUM`, which is forgotten when it would
/// be full. SUM is keyed: who has the data has neither addresses nor accounts. Time is Redis' own.

#include "adapters/redis/client.hpp"
#include "ports/shared_limits.hpp"
#include "wire/auth/digest.hpp"

namespace market::redis {

class RedisSharedLimits final : public SharedLimits {
 public:
  /// `secret`: the same at every instance.
  RedisSharedLimits(Client& client, std::string_view secret);
  Task<Millis> take(std::vector<SharedBucket> buckets) override;
  void give_back(std::vector<SharedBucket> buckets) override;
  Task<std::vector<double>> settle(std::vector<Use> uses) override;
  std::string key_of(const std::string& name) const;

 private:
  Client& client_;
  wire::DigestKey key_;
};

}  // namespace market::redis

#pragma once
/// Reads payments.db for `market check`. Only looks.

#include <boost/unordered/unordered_flat_map.hpp>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"
#include "adapters/payment/charge_file.hpp"

namespace market::payment {

struct ReadCharges {
  files::CheckResults results;
  boost::unordered_flat_map<AttemptId, Charge> charges;
};
ReadCharges read_charges(files::ReadOnlyFolder& folder, ChargeFileOwner owner);

}  // namespace market::payment

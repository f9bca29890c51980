"""Rules of the field as data: what the law and the authorities' practice say, by region and by date."""

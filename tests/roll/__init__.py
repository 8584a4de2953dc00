"""`make roll`: three hosts behind a load balancer, while they are rolled, broken and cut off."""

"""What pages ask people for. A form cleans and shows; whether something may be is decided by the services."""

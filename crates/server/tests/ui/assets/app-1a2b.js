plain form
